// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Keeps reports of the same pair of copies a minute apart.
struct CloneLedger: Sendable {
    static let pause = Duration.seconds(60)
    private static let limit = 64

    private var reported: [CloneSighting: Moment] = [:]

    mutating func mayReport(_ sighting: CloneSighting, now: Moment) -> Bool {
        if let last = reported[sighting], now - last < Self.pause { return false }
        if reported.count >= Self.limit { reported = reported.filter { now - $0.value < Self.pause } }
        guard reported.count < Self.limit else { return false }
        reported[sighting] = now
        return true
    }
}
