// SPDX-License-Identifier: Apache-2.0

/// A point on a monotonic time line, in nanoseconds since an arbitrary start.
///
/// Pure values take a `Moment` as `now`, so that tests move time by hand.
package struct Moment: InstantProtocol, Sendable {
    package typealias Duration = Swift.Duration

    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static let zero = Moment(nanoseconds: 0)

    package func advanced(by duration: Duration) -> Moment {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.clampedNanoseconds)
        return Moment(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    package func duration(to other: Moment) -> Duration {
        let (difference, overflow) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
        return .nanoseconds(overflow ? (other < self ? .min : .max) : difference)
    }

    package static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }

    package static func + (left: Moment, right: Duration) -> Moment { left.advanced(by: right) }

    package static func - (left: Moment, right: Moment) -> Duration { right.duration(to: left) }
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
