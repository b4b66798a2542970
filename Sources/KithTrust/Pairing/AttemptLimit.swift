// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How often strangers may try within a minute, each address by itself and all together.
///
/// Who names an open invitation, which strangers cannot guess, is not counted: many nodes may join from one address, and a
/// flood of strangers does not keep out the one that was invited. Wrong proofs spoil the invitation itself.
struct AttemptLimit: Sendable {
    static let window: Duration = .seconds(60)

    let perSource: Int
    let overall: Int
    /// The attempts of the last minute, oldest first.
    private var recent: [(at: Moment, source: String)] = []

    init(perSource: Int = 10, overall: Int = 60) {
        self.perSource = perSource
        self.overall = overall
    }

    /// Counts an attempt that is let through.
    ///
    mutating func admits(_ source: String, now: Moment) -> Bool {
        recent.removeAll { now - $0.at >= Self.window }
        guard recent.count(where: { $0.source == source }) < perSource, recent.count < overall else { return false }
        recent.append((now, source))
        return true
    }
}
