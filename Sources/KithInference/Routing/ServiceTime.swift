// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How long a candidate takes for a request: an exponentially weighted mean, plus what recent failures cost it.
package struct ServiceTime: Sendable {
    package static let weight = 0.2
    /// Assumed of a candidate that has not been tried.
    package static let prior = Duration.seconds(1)
    /// A failure counts as a wait of this length, halved every ten seconds: a node that fails fast must not look idle.
    package static let failurePenalty = Duration.seconds(30)
    package static let penaltyHalfLife = Duration.seconds(10)

    private var mean: Duration?
    private var penalty = Duration.zero
    private var penaltyAt = Moment.zero

    package init() {}

    package func estimate(now: Moment) -> Duration { (mean ?? Self.prior) + penaltyLeft(now: now) }

    package mutating func succeeded(after duration: Duration) {
        let sample = max(duration, .zero)
        mean = mean.map { $0 * (1 - Self.weight) + sample * Self.weight } ?? sample
    }

    package mutating func failed(now: Moment) {
        penalty = min(penaltyLeft(now: now) + Self.failurePenalty, Self.failurePenalty * 4)
        penaltyAt = now
    }

    package mutating func forgive() { penalty = .zero }

    private func penaltyLeft(now: Moment) -> Duration {
        guard penalty > .zero else { return .zero }
        var halvings = max(0, (now - penaltyAt) / Self.penaltyHalfLife)
        var left = penalty
        while halvings >= 1, left > .milliseconds(1) {
            left = left / 2
            halvings -= 1
        }
        return left <= .milliseconds(1) ? .zero : left * (1 - halvings / 2)
    }
}
