// SPDX-License-Identifier: Apache-2.0

/// Tells that the machine slept: while it does, one clock of the system goes on and the other stands still.
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
    mutating func note(_ reading: Reading) -> Bool {
        defer { last = reading }
        return (reading.total - last.total) - (reading.awake - last.awake) > Self.tolerance
    }

    /// The machine's clocks.
    package static func machine() -> Reading {
        Reading(total: starts.0.duration(to: ContinuousClock.now), awake: starts.1.duration(to: SuspendingClock.now))
    }
}
