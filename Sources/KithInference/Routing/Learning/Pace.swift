// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How long a candidate's engine takes for a token: the weighted sum of its times over that of its ``Work``.
///
/// What is known from few samples, or from long ago, is believed less: the estimate leans towards the best candidate's
/// pace, so that a node that was slow once, or is new, is tried again instead of being avoided for ever.
package struct Pace: Sendable {
    /// Weight of the newest sample.
    package static let weight = 0.1
    /// Seconds a token when nothing is known of any candidate: a hundred tokens a second.
    package static let prior = 0.01
    /// After `n` samples the pace is believed to `n / (n + doubt)`.
    package static let doubt = 3.0
    /// A pace that is not renewed is believed half as much after this time for each sample: what was seen once may have
    /// been a chance, what was seen a hundred times is how the machine is.
    package static let beliefHalfLife = Duration.seconds(10)
    package static let longestHalfLife = Duration.seconds(600)

    private var seconds = 0.0
    private var tokens = 0.0
    private var samples = 0
    private var sampledAt = Moment.zero

    package init() {}

    /// Seconds of the engine's time for a token; `nil` until there is a sample.
    package var secondsPerToken: Double? { tokens > 0 ? seconds / tokens : nil }

    /// - Parameter best: The lowest pace of all candidates; ``prior`` when there is none.
    /// - Returns: Seconds for a token.
    package func estimate(now: Moment, best: Double) -> Double {
        secondsPerToken.map { best + ($0 - best) * belief(now: now) } ?? best
    }

    package mutating func served(_ work: Work, in time: Duration, now: Moment) {
        seconds = seconds * (1 - Self.weight) + max(time, .zero).seconds
        tokens = tokens * (1 - Self.weight) + work.tokens
        samples = min(samples + 1, 1_000)
        sampledAt = now
    }

    private func belief(now: Moment) -> Double {
        let confidence = Double(samples) / (Double(samples) + Self.doubt)
        let halfLife = min(Self.beliefHalfLife * max(1, samples), Self.longestHalfLife)
        return confidence * Fading.left(after: now - sampledAt, halfLife: halfLife)
    }
}
