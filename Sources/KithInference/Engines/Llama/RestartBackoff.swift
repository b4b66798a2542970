// SPDX-License-Identifier: Apache-2.0

/// How long to wait before a process that ended is started again: exponential, with jitter, and forgotten once it has run
/// well for a while.
package struct RestartBackoff: Hashable, Sendable {
    package var first: Duration
    package var most: Duration
    /// A process that was ready for this long starts the sequence anew.
    package var forgetAfter: Duration
    /// Restarts since it last ran well.
    package private(set) var restarts = 0

    package init(
        first: Duration = .milliseconds(500), most: Duration = .seconds(30), forgetAfter: Duration = .seconds(60)
    ) {
        self.first = first
        self.most = most
        self.forgetAfter = forgetAfter
    }

    /// - Parameter readyFor: How long the process was ready before it ended; zero when it never was.
    /// - Returns: Between half of the step and the whole of it; the steps double up to ``most``.
    package mutating func delay(
        afterReadyFor readyFor: Duration, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        if readyFor >= forgetAfter { restarts = 0 }
        var step = first
        for _ in 0..<restarts where step < most { step *= 2 }
        restarts += 1
        return min(step, most) * Double.random(in: 0.5...1, using: &generator)
    }
}
