// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Decides when to read one secret again. A pure value.
package struct ReadSchedule: Hashable, Sendable {
    /// A rotated secret is noticed after this long without anybody's complaint.
    package static let interval = Duration.seconds(300)
    /// Between two readings, however often a secret is refused where it is shown.
    package static let shortestPause = Duration.seconds(10)

    package private(set) var due: Moment
    private var lastRead: Moment?
    private var failures = 0

    package init(at now: Moment) { due = now }

    package mutating func succeeded(at now: Moment) {
        failures = 0
        lastRead = now
        due = now + Self.interval
    }

    package mutating func failed(
        _ setback: LeaseKeeper.Setback, at now: Moment, using generator: inout some RandomNumberGenerator
    ) {
        failures = min(failures + 1, 64)
        let pace: RetryPace = setback == .denied ? .lasting : .passing
        due = now + pace.delay(after: failures, using: &generator)
    }

    /// Takes note that the secret was refused where it was shown.
    package mutating func hurry(at now: Moment) {
        due = min(due, max(now, lastRead.map { $0 + Self.shortestPause } ?? now))
    }
}
