// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The time in which a decaying number halves.
package struct HalfLife: Hashable, Sendable {
    package let duration: Duration

    /// - Parameter duration: at least a millisecond; less counts as that.
    package init(_ duration: Duration) { self.duration = max(duration, .milliseconds(1)) }

    /// What is left of 1 between two times, in [0, 1]; all of it when `end` is not after `start`, as happens when the
    /// clock jumps back.
    package func remainder(from start: WallTime, to end: WallTime) -> Double {
        let elapsed = end.duration(since: start)
        return elapsed > .zero ? exp2(-elapsed.seconds / duration.seconds) : 1
    }
}
