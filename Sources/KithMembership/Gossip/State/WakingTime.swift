// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Time as a node lived through it: what passed while its process was stopped is left out, so that no deadline runs out while
/// nobody could have met it.
struct WakingTime: Sendable {
    private var skipped = Duration.zero
    private(set) var now: MonotonicInstant

    init(startingAt start: MonotonicInstant) { now = start }

    /// - Parameters:
    ///   - outside: The time of the clock. Earlier than before counts as no time.
    ///   - expected: When the node would have woken up by itself, in waking time.
    ///   - tolerance: Lateness up to this is ordinary.
    /// - Returns: For how long the process was stopped.
    mutating func pass(to outside: MonotonicInstant, expected: MonotonicInstant, tolerance: Duration) -> Duration {
        let inside = outside.advanced(by: .zero - skipped)
        guard inside > now else { return .zero }
        let late = inside - max(now, expected)
        guard late > tolerance else {
            now = inside
            return .zero
        }
        skipped += late
        now = max(now, expected)
        return late
    }

    /// The clock's time at a moment of waking time, as far as no further stop comes between.
    func outside(_ moment: MonotonicInstant) -> MonotonicInstant { moment.advanced(by: skipped) }
}

/// Notices that the machine slept: while it does, one clock of the system goes on and the other stands still.
package struct SleepWatch: Sendable {
    package struct Reading: Sendable, Hashable {
        /// Time since some start, sleep included.
        package var total: Duration
        /// The same without sleep.
        package var awake: Duration

        package init(total: Duration, awake: Duration) {
            self.total = total
            self.awake = awake
        }
    }

    /// Clocks are not read at the same instant; less than this is no sleep.
    private static let tolerance = Duration.milliseconds(500)
    private static let starts = (ContinuousClock.now, SuspendingClock.now)

    private var last: Reading

    package init(first: Reading) { last = first }

    /// - Returns: Whether the machine slept since the last reading.
    package mutating func note(_ reading: Reading) -> Bool {
        defer { last = reading }
        return (reading.total - last.total) - (reading.awake - last.awake) > Self.tolerance
    }

    /// The machine's clocks.
    package static func machine() -> Reading {
        Reading(total: starts.0.duration(to: ContinuousClock.now), awake: starts.1.duration(to: SuspendingClock.now))
    }
}
