// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How long a candidate takes for a request: an exponentially weighted mean, plus what recent failures cost it.
///
/// What is known from few samples, or from long ago, is believed less: the estimate leans towards the best candidate's
/// mean, so that a node that was slow once, or is new, is tried again instead of being avoided for ever.
package struct ServiceTime: Sendable {
    package static let weight = 0.2
    /// Assumed when nothing is known of any candidate.
    package static let prior = Duration.seconds(1)
    /// After `n` samples the mean is believed to `n / (n + doubt)`.
    package static let doubt = 3.0
    /// A mean that is not renewed is believed half as much after this time.
    package static let beliefHalfLife = Duration.seconds(10)
    /// A failure counts as a wait of this length, halved every ten seconds: a node that fails fast must not look idle.
    package static let failurePenalty = Duration.seconds(30)
    package static let penaltyHalfLife = Duration.seconds(10)

    /// `nil` until there is a sample.
    package private(set) var mean: Duration?
    private var samples = 0
    private var sampledAt = Moment.zero
    private var penalty = Duration.zero
    private var penaltyAt = Moment.zero

    package init() {}

    /// - Parameter best: The lowest mean of all candidates; ``prior`` when there is none.
    package func estimate(now: Moment, best: Duration) -> Duration {
        (mean.map { best + ($0 - best) * belief(now: now) } ?? best) + penaltyLeft(now: now)
    }

    package mutating func succeeded(after duration: Duration, now: Moment) {
        let sample = max(duration, .zero)
        mean = mean.map { $0 * (1 - Self.weight) + sample * Self.weight } ?? sample
        samples = min(samples + 1, 1_000)
        sampledAt = now
    }

    package mutating func failed(now: Moment) {
        penalty = min(penaltyLeft(now: now) + Self.failurePenalty, Self.failurePenalty * 4)
        penaltyAt = now
    }

    private func belief(now: Moment) -> Double {
        let confidence = Double(samples) / (Double(samples) + Self.doubt)
        return confidence * Self.left(after: now - sampledAt, halfLife: Self.beliefHalfLife)
    }

    private func penaltyLeft(now: Moment) -> Duration {
        guard penalty > .zero else { return .zero }
        let left = penalty * Self.left(after: now - penaltyAt, halfLife: Self.penaltyHalfLife)
        return left < .milliseconds(1) ? .zero : left
    }

    /// What is left of 1 after a time: halved for each half-life, linear in between, 0 after sixty-four.
    private static func left(after elapsed: Duration, halfLife: Duration) -> Double {
        let halvings = max(0, elapsed / halfLife)
        guard halvings < 64 else { return 0 }
        let whole = halvings.rounded(.down)
        return (1 - (halvings - whole) / 2) / Double(UInt64(1) << UInt64(whole))
    }
}
