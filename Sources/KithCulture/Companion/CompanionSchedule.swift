// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// When a node may talk with a peer: a pure value.
package struct CompanionSchedule: Sendable {
    package enum Step: Hashable, Sendable {
        case talk
        case wait(Reason, until: Moment?)
    }

    package enum Reason: Hashable, Sendable {
        /// The owner wishes it.
        case paused
        /// The user is here, or was a short while ago.
        case userIsHere
        /// The last exchange was a short while ago.
        case resting
        case talking
        /// Nothing is left of what may be spent in a day.
        case budgetSpent
    }

    package var budget: ExchangeBudget
    package var isPaused = false
    private var isTalking = false
    private var restsUntil: Moment
    private var failures = 0

    /// Between two exchanges while the user stays away: the threshold, and a fifth of it more or less, so that nodes that
    /// were left at the same time do not all talk at the same time.
    private static let jitter = 0.8...1.2
    /// Times by which the rest is doubled after failures in a row.
    private static let mostDoublings = 4

    package init(budget: ExchangeBudget, now: Moment) {
        self.budget = budget
        restsUntil = now
    }

    package mutating func step(idle: IdleWatch, now: Moment, wall: WallTime) -> Step {
        if isTalking { return .wait(.talking, until: nil) }
        if isPaused { return .wait(.paused, until: nil) }
        guard idle.isIdle(now: now) else { return .wait(.userIsHere, until: idle.idleFrom()) }
        guard now >= restsUntil else { return .wait(.resting, until: restsUntil) }
        if let until = budget.exhaustedUntil(now: wall) {
            return .wait(.budgetSpent, until: now + until.duration(since: wall))
        }
        return .talk
    }

    package mutating func began(wall: WallTime) {
        isTalking = true
        budget.began(now: wall)
    }

    package mutating func ended(
        succeeded: Bool, threshold: Duration, now: Moment, using generator: inout some RandomNumberGenerator
    ) {
        isTalking = false
        failures = succeeded ? 0 : min(failures + 1, Self.mostDoublings)
        let rest = threshold * Double(1 << failures) * Double.random(in: Self.jitter, using: &generator)
        restsUntil = now + rest
    }

    /// The user came in the middle: what was begun does not count as a failure.
    package mutating func interrupted(now: Moment) {
        isTalking = false
        restsUntil = now
    }
}
