// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How often strangers may try within a minute, each address by itself and all together.
struct AttemptLimit: Sendable {
    static let window: Duration = .seconds(60)

    let perSource: Int
    let overall: Int
    /// The attempts of the last minute, oldest first; the overall limit bounds those of strangers, `perSource` the rest.
    private var recent: [(at: Moment, source: String)] = []

    init(perSource: Int = 10, overall: Int = 60) {
        self.perSource = perSource
        self.overall = overall
    }

    /// Counts an attempt that is let through.
    ///
    /// - Parameter isInvited: whether it names an open invitation, which strangers cannot guess. Then only the address's own
    ///   limit holds, so that a flood of strangers does not keep out the one that was invited.
    mutating func admits(_ source: String, isInvited: Bool, now: Moment) -> Bool {
        recent.removeAll { now - $0.at >= Self.window }
        guard recent.count(where: { $0.source == source }) < perSource, isInvited || recent.count < overall,
            recent.count < Self.hardLimit
        else { return false }
        recent.append((now, source))
        return true
    }

    /// Bounds the memory, whoever asks.
    private static let hardLimit = 1_024
}
