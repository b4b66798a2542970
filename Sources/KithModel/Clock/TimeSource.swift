// SPDX-License-Identifier: Apache-2.0

/// A point on a monotonic time line, in nanoseconds since an arbitrary start.
///
/// Pure values take a `MonotonicInstant` as `now`, so that tests move time by hand.
package struct MonotonicInstant: InstantProtocol, Sendable {
    package typealias Duration = Swift.Duration

    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static let zero = MonotonicInstant(nanoseconds: 0)

    package func advanced(by duration: Duration) -> MonotonicInstant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.clampedNanoseconds)
        return MonotonicInstant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    package func duration(to other: MonotonicInstant) -> Duration {
        let (difference, overflow) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
        return .nanoseconds(overflow ? (other < self ? .min : .max) : difference)
    }

    package static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    package static func + (left: MonotonicInstant, right: Duration) -> MonotonicInstant { left.advanced(by: right) }

    package static func - (left: MonotonicInstant, right: MonotonicInstant) -> Duration { right.duration(to: left) }
}

extension Duration {
    /// The whole nanoseconds of this duration, held to the range of `Int64`.
    package var clampedNanoseconds: Int64 {
        Int64(clamping: attoseconds / 1_000_000_000)
    }

    /// This duration in seconds.
    package var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }

    /// This duration in milliseconds.
    package var milliseconds: Double { seconds * 1_000 }
}

/// A clock whose instants are ``MonotonicInstant``s, so that shells and pure values share one time line.
package protocol TimeSource: Clock, Sendable where Instant == MonotonicInstant, Duration == Swift.Duration {}

/// The machine's monotonic clock, which goes on while the machine sleeps.
package struct MonotonicClock: TimeSource {
    private static let origin = ContinuousClock.now

    package init() {}

    package var now: MonotonicInstant {
        MonotonicInstant(nanoseconds: (ContinuousClock.now - Self.origin).clampedNanoseconds)
    }

    package var minimumResolution: Duration { .nanoseconds(1) }

    package func sleep(until deadline: MonotonicInstant, tolerance: Duration?) async throws {
        try await ContinuousClock().sleep(for: deadline - now, tolerance: tolerance)
    }
}

extension TimeSource {
    /// The distance between the moments at which inexact sleepers wake.
    private static var second: Int64 { 1_000_000_000 }

    /// Sleeps for about `duration`, a time of some seconds: until the whole second of this clock that is nearest to its
    /// end.
    ///
    /// All such sleepers wake together, so that an idle process wakes once instead of once for each of them. Shorter
    /// times are kept as they are.
    ///
    /// - Throws: `CancellationError`.
    package func sleep(forAbout duration: Duration) async throws {
        try await sleep(until: Self.wholeSecond(nearest: now, plus: duration), tolerance: nil)
    }

    static func wholeSecond(nearest now: MonotonicInstant, plus duration: Duration) -> MonotonicInstant {
        let end = now + duration
        guard duration >= .seconds(1) else { return end }
        let rest = end.nanoseconds % second
        let earlier = end.advanced(by: .nanoseconds(-rest))
        let nearest = rest < second / 2 ? earlier : earlier + .nanoseconds(second)
        return nearest > now ? nearest : end
    }
}
