// SPDX-License-Identifier: Apache-2.0

/// How much happened lately and how much of it went wrong: counts that halve every ``halfLife``.
package struct RecentOutcomes: Hashable, Sendable {
    package static let halfLife = HalfLife(.seconds(3_600))

    /// Completed interactions, decayed to ``time``; never negative.
    package private(set) var completed: Double
    /// Failed and cut-off interactions, decayed to ``time``; never negative.
    package private(set) var troubled: Double
    package private(set) var time: WallTime

    /// - Parameters: counts below 0, and what is not a finite number, count as 0.
    package init(completed: Double = 0, troubled: Double = 0, at time: WallTime = .epoch) {
        self.completed = completed.isFinite ? max(0, completed) : 0
        self.troubled = troubled.isFinite ? max(0, troubled) : 0
        self.time = time
    }

    /// The counts as they have decayed by `now`; unchanged when `now` is earlier than ``time``.
    package func decayed(to now: WallTime) -> RecentOutcomes {
        let factor = Self.halfLife.remainder(from: time, to: now)
        return RecentOutcomes(completed: completed * factor, troubled: troubled * factor, at: now)
    }

    package mutating func record(_ outcome: InteractionOutcome, at now: WallTime) {
        self = decayed(to: now)
        switch outcome {
        case .completed: completed += 1
        case .failed, .cutOff: troubled += 1
        }
    }
}
