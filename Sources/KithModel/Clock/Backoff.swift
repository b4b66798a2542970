// SPDX-License-Identifier: Apache-2.0

/// Exponential backoff: how long to wait before something is tried again. The steps double up to a maximum; with jitter,
/// callers that fail together do not try again together.
package struct Backoff: Hashable, Sendable {
    /// The first step.
    package let initial: Duration
    /// The greatest step.
    package let maximum: Duration
    /// The range of factors by which a step is multiplied; `nil` for delays without jitter.
    package let jitter: ClosedRange<Double>?
    /// Delays since the beginning or the last ``reset()``.
    package private(set) var count = 0

    package init(initial: Duration, maximum: Duration, jitter: ClosedRange<Double>? = nil) {
        self.initial = initial
        self.maximum = maximum
        self.jitter = jitter
    }

    /// The next delay. Draws one number from the generator if there is jitter, else none.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        defer { count += 1 }
        return delay(after: count, using: &generator)
    }

    /// The next delay, with the system's randomness if there is jitter.
    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// Starts again with the first step.
    package mutating func reset() { count = 0 }

    /// A delay of the sequence, for callers that count by themselves. Draws as ``next(using:)`` does.
    ///
    /// - Parameter earlier: How many delays came before it; less than 0 counts as 0.
    package func delay(after earlier: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        let step = step(after: earlier)
        guard let jitter else { return step }
        return step * Double.random(in: jitter, using: &generator)
    }

    /// A delay of the sequence without its jitter.
    ///
    /// - Parameter earlier: How many delays came before it; less than 0 counts as 0.
    package func step(after earlier: Int) -> Duration {
        var (step, doublings) = (min(initial, maximum), earlier)
        while doublings > 0, step > .zero, step < maximum {
            // Compared with the half, because twice the step may be more than a duration can hold.
            step = step > maximum / 2 ? maximum : step * 2
            doublings -= 1
        }
        return step
    }
}
