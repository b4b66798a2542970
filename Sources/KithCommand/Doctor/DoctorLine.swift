// SPDX-License-Identifier: Apache-2.0

package import KithDoctor

/// One line of the doctor's report: a finding, or all steps about one thing as long as nothing is wrong with it.
package struct DoctorLine: Hashable, Sendable {
    package var severity: Finding.Severity
    package var title: String
    package var words: String
    /// What went well before a fault.
    package var passed: String?
    package var fix: Finding.Fix?

    private init(_ finding: Finding, title: String? = nil, passed: String? = nil) {
        severity = finding.severity
        self.title = title ?? finding.title
        words = finding.seen
        self.passed = passed
        fix = finding.fix
    }

    /// All went well: `laptop   192.168.1.7:7443 · ping 0.3 ms · tcp 0.4 ms · identity · trust · clock`.
    private init(merging findings: [Finding], title: String) {
        severity = .ok
        self.title = title
        words = ([findings.first?.address].compactMap { $0 } + Self.steps(findings)).joined(separator: " · ")
    }

    package static func lines(of section: DoctorReport.Section) -> [DoctorLine] {
        var lines: [DoctorLine] = []
        var rest = section.findings[...]
        while let first = rest.first {
            let group = rest.prefix { $0.subject != nil && $0.subject == first.subject && $0.address == first.address }
            let taken = group.isEmpty ? rest.prefix(1) : group
            rest = rest.dropFirst(taken.count)
            lines += Self.lines(of: Array(taken), in: section)
        }
        return lines
    }

    /// Steps on one way are one line; those of other things are a line each.
    private static func lines(of group: [Finding], in section: DoctorReport.Section) -> [DoctorLine] {
        guard let subject = group.first?.subject, group.contains(where: { way.contains($0.check) }) else {
            return group.map { DoctorLine($0) }
        }
        // Where the subject is the section's title already, it says nothing.
        let title = section.title == subject ? nil : subject
        let rest = group.filter { $0.severity >= .notice }
        let passed = steps(group)
        guard rest.contains(where: \.isFault) else {
            let merged = passed.isEmpty ? [] : [DoctorLine(merging: group, title: title ?? "way")]
            return merged + rest.map { DoctorLine($0, title: title) }
        }
        let words = passed.isEmpty ? nil : "went well: " + passed.joined(separator: " · ")
        return rest.enumerated().map { DoctorLine($0.element, title: title, passed: $0.offset == 0 ? words : nil) }
    }

    private static let way: Set<CheckID> = [.dns, .connect, .mesh]

    private static func steps(_ findings: [Finding]) -> [String] {
        findings.filter { $0.severity == .ok }.map { finding in
            guard finding.check.speaksForItself else { return finding.seen }
            return finding.duration.map { "\(finding.title) \($0.shortText)" } ?? finding.title
        }
    }
}

extension CheckID {
    /// Whether the title alone says that it is as it should be.
    fileprivate var speaksForItself: Bool {
        switch self {
        case .connect, .ping, .tls, .peerIdentity, .trust, .clock, .dns: true
        default: false
        }
    }
}
