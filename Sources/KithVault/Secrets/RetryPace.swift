// SPDX-License-Identifier: Apache-2.0

/// How long to wait before something is tried again: exponential, with jitter.
struct RetryPace: Hashable, Sendable {
    /// For what may pass by itself, such as a Vault that is unsealed: found out within seconds.
    static let passing = RetryPace(first: .milliseconds(500), most: .seconds(4))
    /// For what somebody must change.
    static let lasting = RetryPace(first: .seconds(5), most: .seconds(60))

    var first: Duration
    var most: Duration

    /// - Parameter failures: in a row, at least 1.
    /// - Returns: Between half of the step and the whole of it; the steps double up to ``most``.
    func delay(after failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        var step = first
        for _ in 1..<max(failures, 2) where failures > 1 && step < most { step *= 2 }
        return min(step, most) * Double.random(in: 0.5...1, using: &generator)
    }
}
