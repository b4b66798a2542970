// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How interactions with this node went lately: a score from -1 (all went wrong) to 1 (all went well).
///
/// The score decays towards 0 and halves every ``halfLife``. An event first lets it decay to the time of the event, then
/// pulls it towards 1 or -1 by a share of the remaining distance, the event's weight:
///
/// | event | pulls towards | weight |
/// | --- | --- | --- |
/// | completed | 1 | 0.05 |
/// | failed | -1 | 0.20 |
/// | cut off | -1 | 0.10 |
/// | an insight was learned | 1 | 0.03 |
/// | feedback | the sign of its score | 0.30 × the size of its score |
///
/// A failure weighs four times a success, because people notice failures; one in five of them balances out at 0. A pull
/// never reaches past its target, so the score stays in [-1, 1]. When the wall clock jumps back, nothing decays for the
/// jump and the score counts on from the new time: the score can grow by events only.
package struct Valence: Hashable, Sendable, Codable {
    package enum Event: Hashable, Sendable {
        case outcome(InteractionOutcome)
        case feedback(FeedbackScore)
        /// An insight was learned in a conversation with a peer.
        case learned

        package static let completed = Event.outcome(.completed)
        package static let failed = Event.outcome(.failed)
        package static let cutOff = Event.outcome(.cutOff)
    }

    package static let halfLife = HalfLife(.seconds(6 * 3_600))
    package static let completedWeight = 0.05
    package static let failedWeight = 0.20
    package static let cutOffWeight = 0.10
    package static let learnedWeight = 0.03
    /// The weight of feedback whose score is 1 or -1.
    package static let feedbackWeight = 0.30

    /// The score at ``time``, in [-1, 1].
    package private(set) var score: Double
    /// When the last event happened.
    package private(set) var time: WallTime

    /// - Parameter score: held to [-1, 1]; what is not a number counts as 0, because it may come from a file.
    package init(score: Double = 0, at time: WallTime = .epoch) {
        self.score = Self.held(score)
        self.time = time
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            score: try container.decode(Double.self, forKey: .score),
            at: try container.decode(WallTime.self, forKey: .time))
    }

    /// The score as it has decayed by `now`.
    package func score(at now: WallTime) -> Double { score * Self.halfLife.remainder(from: time, to: now) }

    package mutating func record(_ event: Event, at now: WallTime) {
        let (target, weight) = Self.pull(of: event)
        let decayed = score(at: now)
        score = Self.held(decayed + weight * (target - decayed))
        time = now
    }

    private static func pull(of event: Event) -> (target: Double, weight: Double) {
        switch event {
        case .outcome(.completed): (1, completedWeight)
        case .outcome(.failed): (-1, failedWeight)
        case .outcome(.cutOff): (-1, cutOffWeight)
        case .learned: (1, learnedWeight)
        case .feedback(let feedback): (feedback.rawValue < 0 ? -1 : 1, feedbackWeight * abs(feedback.rawValue))
        }
    }

    private static func held(_ score: Double) -> Double { score.isNaN ? 0 : min(max(score, -1), 1) }
}

/// What a user thought of an answer: from -1 (very bad) to 1 (very good).
package struct FeedbackScore: Hashable, Sendable, Comparable {
    package let rawValue: Double

    /// - Returns: `nil` when `rawValue` is not a number from -1 to 1.
    package init?(_ rawValue: Double) {
        guard rawValue >= -1, rawValue <= 1 else { return nil }
        self.rawValue = rawValue
    }

    package static func < (left: FeedbackScore, right: FeedbackScore) -> Bool { left.rawValue < right.rawValue }
}

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
