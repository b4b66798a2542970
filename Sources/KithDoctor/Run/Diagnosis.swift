// SPDX-License-Identifier: Apache-2.0

/// One thing to look at, independent of all others.
protocol Diagnosis: Sendable {
    var check: CheckID { get }
    var title: String { get }
    var subject: String? { get }
    /// After which it is given up and reported as not done.
    var limit: Duration { get }

    /// Never throws: what goes wrong is what is to be found. Must end soon after the task is cancelled.
    func run() async -> [Finding]
}

extension Diagnosis {
    var subject: String? { nil }
    var limit: Duration { .seconds(3) }
}

/// A diagnosis that needs nothing but what is known already.
struct KnownFindings: Diagnosis {
    let check: CheckID
    let title: String
    let findings: [Finding]

    init(_ check: CheckID, _ title: String, _ findings: [Finding]) {
        self.check = check
        self.title = title
        self.findings = findings
    }

    func run() async -> [Finding] { findings }
}
