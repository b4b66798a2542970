// SPDX-License-Identifier: Apache-2.0

/// A clock whose instants are ``Moment``s, so that shells and pure values share one time line.
package protocol TimeSource: Clock, Sendable where Instant == Moment, Duration == Swift.Duration {}

/// The machine's monotonic clock.
package struct MonotonicClock: TimeSource {
    private static let origin = ContinuousClock.now

    package init() {}

    package var now: Moment {
        Moment(nanoseconds: (ContinuousClock.now - Self.origin).clampedNanoseconds)
    }

    package var minimumResolution: Duration { .nanoseconds(1) }

    package func sleep(until deadline: Moment, tolerance: Duration?) async throws {
        try await ContinuousClock().sleep(for: deadline - now, tolerance: tolerance)
    }
}
