// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

package import KithModel

/// What is known of one peer as company: how good its answers were, the newer ones counting more.
///
/// A discounted Bernoulli bandit's arm: rewards are added to `gains`, what was missing to 1 to `losses`, and both fade.
package struct Reputation: Hashable, Sendable {
    /// Time in which what was learned loses half of its weight.
    package static let halfLife = HalfLife(.seconds(7 * 86_400))
    /// The share that an outcome leaves of those before it: about the last thirty count.
    package static let memory = 0.97
    /// Bad answers in a row after which a peer is left alone for a while.
    package static let strikeLimit = 3
    /// How long it is left alone.
    private static let backoff = Backoff(initial: .seconds(3_600), maximum: .seconds(86_400))

    /// In addition to the one that is assumed of every peer.
    package private(set) var gains = 0.0
    package private(set) var losses = 0.0
    package private(set) var time: WallTime
    package private(set) var exchanges = 0
    package private(set) var successes = 0
    /// Bad answers since the last good one.
    package private(set) var strikes = 0
    package private(set) var pausedUntil: WallTime?
    package private(set) var pauses = 0
    /// The latency of answers, as a moving average.
    package private(set) var latency: Duration?

    package init(at time: WallTime) { self.time = time }

    /// The outcome of one exchange.
    package enum Outcome: Hashable, Sendable {
        /// - novelty: 0…1, how different it was from what the peer said before.
        /// - usefulness: 0…1, the quality of what was kept of it; 0 when nothing was.
        case answered(latency: Duration, novelty: Double, usefulness: Double)
        /// It cannot be reached, or is busy: no sign of bad company.
        case absent
        /// Its answer could not be used.
        case junk
        /// It said something that only makes sense as an attempt to take over an engine.
        case hostile
    }

    /// An answer within `quick` is as good as an immediate one; from `late` on it is too late.
    package static let quick = Duration.seconds(1)
    package static let late = Duration.seconds(12)

    package mutating func record(_ outcome: Outcome, at now: WallTime) {
        fade(to: now)
        exchanges += 1
        switch outcome {
        case .answered(let latency, let novelty, let usefulness):
            successes += 1
            strikes = 0
            pauses = 0
            pausedUntil = nil
            self.latency = self.latency.map { $0 * 0.8 + latency * 0.2 } ?? latency
            learn(Self.reward(latency: latency, novelty: novelty, usefulness: usefulness), weight: 1)
        case .absent: learn(0, weight: 0.25)
        case .junk: struck(weight: 1, at: now)
        case .hostile: struck(weight: 3, at: now)
        }
    }

    /// 0…1: being there counts for a part, the rest is for what was said, and how soon.
    package static func reward(latency: Duration, novelty: Double, usefulness: Double) -> Double {
        let speed = 1 - min(max((latency - quick) / (late - quick), 0), 1)
        func held(_ value: Double) -> Double { value.isFinite ? min(max(value, 0), 1) : 0 }
        return 0.2 + 0.3 * held(novelty) + 0.35 * held(usefulness) + 0.15 * speed
    }

    /// The shape of the Beta distribution of its worth.
    package func shape(at now: WallTime) -> (alpha: Double, beta: Double) {
        let left = Self.halfLife.remainder(from: time, to: now)
        return (1 + gains * left, 1 + losses * left)
    }

    /// The mean of its worth, 0…1; a half for one that nothing is known of.
    package func score(at now: WallTime) -> Double {
        let (alpha, beta) = shape(at: now)
        return alpha / (alpha + beta)
    }

    package func isPaused(at now: WallTime) -> Bool { pausedUntil.map { now < $0 } ?? false }

    private mutating func struck(weight: Double, at now: WallTime) {
        strikes += 1
        learn(0, weight: weight)
        guard strikes >= Self.strikeLimit || pauses > 0 else { return }  // one that was paused has one try
        pausedUntil = now.advanced(by: Self.backoff.step(after: pauses))
        pauses += 1
        strikes = 0
    }

    private mutating func learn(_ reward: Double, weight: Double) {
        let left = pow(Self.memory, weight)
        gains = gains * left + reward * weight
        losses = losses * left + (1 - reward) * weight
    }

    private mutating func fade(to now: WallTime) {
        let left = Self.halfLife.remainder(from: time, to: now)
        (gains, losses) = (gains * left, losses * left)
        time = max(time, now)
    }
}

extension Reputation {
    /// As it was stored; values out of range are clamped.
    package init(stored: Stored) {
        self.init(at: stored.time)
        func held(_ value: Double) -> Double { value.isFinite ? min(max(value, 0), 1_000) : 0 }
        (gains, losses) = (held(stored.gains), held(stored.losses))
        (exchanges, successes) = (max(0, stored.exchanges), max(0, stored.successes))
        (strikes, pauses) = (min(max(0, stored.strikes), 1_000), min(max(0, stored.pauses), 1_000))
        pausedUntil = stored.pausedUntil
        latency = stored.latency
    }

    package var stored: Stored {
        Stored(
            gains: gains, losses: losses, time: time, exchanges: exchanges, successes: successes, strikes: strikes,
            pauses: pauses, pausedUntil: pausedUntil, latency: latency)
    }

    package struct Stored: Hashable, Sendable {
        package var gains: Double
        package var losses: Double
        package var time: WallTime
        package var exchanges: Int
        package var successes: Int
        package var strikes: Int
        package var pauses: Int
        package var pausedUntil: WallTime?
        package var latency: Duration?

        package init(
            gains: Double, losses: Double, time: WallTime, exchanges: Int, successes: Int, strikes: Int, pauses: Int,
            pausedUntil: WallTime?, latency: Duration?
        ) {
            self.gains = gains
            self.losses = losses
            self.time = time
            self.exchanges = exchanges
            self.successes = successes
            self.strikes = strikes
            self.pauses = pauses
            self.pausedUntil = pausedUntil
            self.latency = latency
        }
    }
}
