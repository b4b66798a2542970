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
    private var sampledAt = MonotonicInstant.zero

    package init() {}

    /// Seconds of the engine's time for a token; `nil` until there is a sample.
    package var secondsPerToken: Double? { tokens > 0 ? seconds / tokens : nil }

    /// - Parameter best: The lowest pace of all candidates; ``prior`` when there is none.
    /// - Returns: Seconds for a token.
    package func estimate(now: MonotonicInstant, best: Double) -> Double {
        secondsPerToken.map { best + ($0 - best) * belief(now: now) } ?? best
    }

    package mutating func served(_ work: Work, in time: Duration, now: MonotonicInstant) {
        seconds = seconds * (1 - Self.weight) + max(time, .zero).seconds
        tokens = tokens * (1 - Self.weight) + work.tokens
        samples = min(samples + 1, 1_000)
        sampledAt = now
    }

    private func belief(now: MonotonicInstant) -> Double {
        let confidence = Double(samples) / (Double(samples) + Self.doubt)
        let halfLife = min(Self.beliefHalfLife * max(1, samples), Self.longestHalfLife)
        return confidence * ExponentialDecay.left(after: now - sampledAt, halfLife: halfLife)
    }
}

/// What a request asks of an engine, counted in tokens made, so that long and short requests can be compared.
package struct Work: Hashable, Sendable {
    /// Tokens of prompt that take as long as one that is made: engines read many at once and make one after another.
    /// llama.cpp on a processor reads about ten times as fast as it writes, on a graphics card up to a hundred times.
    package static let promptShare = 16.0
    /// What any request costs besides its tokens: a round trip to the engine, and the template.
    package static let overhead = 8.0
    /// No request is counted as more tokens; the counts come from other machines.
    package static let tokenLimit = 10_000_000

    package var tokens: Double

    package init(promptTokens: Int, answerTokens: Double) {
        let prompt = Double(min(max(0, promptTokens), Self.tokenLimit))
        tokens = Self.overhead + prompt / Self.promptShare + min(max(0, answerTokens), Double(Self.tokenLimit))
    }
}

/// What requests ask on the average: weighted means of what engines counted.
package struct MeanWork: Sendable {
    package static let weight = 0.05
    /// Assumed before anything was counted.
    package static let firstAnswer = 100.0

    package private(set) var answerTokens = MeanWork.firstAnswer
    package private(set) var tokens = Work(promptTokens: 0, answerTokens: MeanWork.firstAnswer).tokens

    package init() {}

    package mutating func served(_ work: Work, answerTokens made: Int) {
        let made = Double(min(max(0, made), Work.tokenLimit))
        answerTokens += (made - answerTokens) * Self.weight
        tokens += (work.tokens - tokens) * Self.weight
    }

    /// What a request is expected to ask.
    package func expected(of request: RouteRequest) -> Work {
        guard request.purpose == .chat else { return Work(promptTokens: request.tokens, answerTokens: 0) }
        let answer = request.maxTokens.map { min(answerTokens, Double(max(0, $0))) } ?? answerTokens
        return Work(promptTokens: request.tokens, answerTokens: answer)
    }
}

/// How what was learned loses weight.
enum ExponentialDecay {
    /// What is left of 1 after a time: halved for each half-life, linear in between, 0 after sixty-four.
    static func left(after elapsed: Duration, halfLife: Duration) -> Double {
        let halvings = max(0, elapsed / halfLife)
        guard halvings < 64 else { return 0 }
        let whole = halvings.rounded(.down)
        return (1 - (halvings - whole) / 2) / Double(UInt64(1) << UInt64(whole))
    }
}
