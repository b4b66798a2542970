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
    package static let longestHalfLife = Duration.seconds(3_600)

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
    /// Tokens of prompt that take as long as one that is made, until a candidate has shown otherwise (``ReadingPace``): engines
    /// read many at once and make one after another. llama.cpp on a processor reads about ten times as fast as it writes, on a
    /// graphics card up to a hundred times.
    package static let promptShare = 16.0
    /// What any request costs besides its tokens: a round trip to the engine, and the template.
    package static let overhead = 8.0
    /// No request is counted as more tokens; the counts come from other machines.
    package static let tokenLimit = 10_000_000

    package var tokens: Double

    /// - Parameters:
    ///   - promptTokens: Of the prompt, those that have to be read.
    ///   - promptShare: How many of them take as long as one that is made.
    package init(promptTokens: Int, answerTokens: Double, promptShare: Double = Work.promptShare) {
        let prompt = Double(min(max(0, promptTokens), Self.tokenLimit))
        tokens = Self.overhead + prompt / promptShare + min(max(0, answerTokens), Double(Self.tokenLimit))
    }

    /// Of tokens that are made, and nothing else.
    init(made: Int) { tokens = Double(min(max(0, made), Self.tokenLimit)) }
}

/// How long a candidate's engine takes to read a token: the weighted sum of its times to the first token over that of the tokens
/// that it had to read for it.
package struct ReadingPace: Sendable {
    /// Fewer tokens than these say nothing: what any request costs outweighs them.
    package static let leastTokens = 64
    /// From as many on it is believed.
    package static let sureTokens = 256.0
    /// Between an engine that reads no faster than it writes, and one whose reading costs nothing.
    package static let shares = 1.0...2_000.0

    private var seconds = 0.0
    private var tokens = 0.0

    package init() {}

    /// Seconds for a token; `nil` until enough were read.
    package var secondsPerToken: Double? { tokens >= Self.sureTokens ? seconds / tokens : nil }

    /// - Parameters:
    ///   - read: Tokens of the prompt that were not in the engine's memory.
    ///   - time: From the start to the first token, without what any request costs.
    package mutating func served(_ read: Int, in time: Duration) {
        guard read >= Self.leastTokens else { return }
        seconds = seconds * (1 - Pace.weight) + max(time, .zero).seconds
        tokens = tokens * (1 - Pace.weight) + Double(min(read, Work.tokenLimit))
    }

    /// How many tokens are read in the time in which one is made; `nil` while one of both is unknown.
    package func share(made pace: Double?) -> Double? {
        guard let pace, let read = secondsPerToken else { return nil }
        return min(max(pace / max(read, 1e-12), Self.shares.lowerBound), Self.shares.upperBound)
    }
}

/// How long a candidate takes to load its model, as seen lately.
package struct LoadTime: Sendable {
    /// Assumed before it was seen.
    package static let first = Duration.seconds(5)
    /// What took less was no load.
    package static let least = Duration.milliseconds(50)
    package static let most = Duration.seconds(900)
    /// Weight of the newest; the next load is like the last one, unless the file was in the machine's memory by chance.
    package static let weight = 0.5

    /// What is not seen again is believed half as much after this time: a machine that was slow once is tried again.
    package static let beliefHalfLife = Duration.seconds(600)

    package private(set) var known: Duration?
    private var seenAt = MonotonicInstant.zero

    package init() {}

    /// - Parameter best: The shortest that is known of any candidate. What is not believed any more is half of it: something better than
    ///   the others, so that the machine is tried again.
    package func expected(now: MonotonicInstant, best: Duration = LoadTime.first) -> Duration {
        guard let known else { return Self.first }
        let hope = min(best, Self.first) / 2
        return hope + (known - hope)
            * ExponentialDecay.left(after: now - seenAt, halfLife: Self.beliefHalfLife)
    }

    package mutating func took(_ time: Duration, now: MonotonicInstant) {
        guard time >= Self.least else { return }
        let time = min(time, Self.most)
        known = known.map { $0 * (1 - Self.weight) + time * Self.weight } ?? time
        seenAt = now
    }
}

/// What requests ask on the average: weighted means of what engines counted.
package struct MeanWork: Sendable {
    package static let weight = 0.05
    /// How many times the mean one answer counts at most.
    private static let jump = 10.0
    /// Assumed before anything was counted.
    package static let firstAnswer = 100.0

    package private(set) var answerTokens = MeanWork.firstAnswer
    package private(set) var tokens = Work(promptTokens: 0, answerTokens: MeanWork.firstAnswer).tokens

    package init() {}

    package mutating func served(_ work: Work, answerTokens made: Int) {
        // One answer, whatever an engine says of it, must not be what all others are measured by.
        let made = min(Double(max(0, made)), answerTokens * Self.jump + 1_000)
        answerTokens += (made - answerTokens) * Self.weight
        tokens += (min(work.tokens, tokens * Self.jump + 1_000) - tokens) * Self.weight
    }

    /// What a request is expected to ask.
    ///
    /// - Parameters:
    ///   - held: Blocks of the conversation's beginning that the engine has in memory, and need not read.
    ///   - promptShare: As in ``Work``.
    package func expected(
        of request: RouteRequest, held: Int = 0, promptShare: Double = Work.promptShare
    ) -> Work {
        guard request.purpose == .chat else { return Work(promptTokens: request.tokens, answerTokens: 0) }
        let answer = request.maxTokens.map { min(answerTokens, Double(max(0, $0))) } ?? answerTokens
        let unread = PrefixBlocks.unread(of: request.tokens, held: held)
        return Work(promptTokens: unread, answerTokens: answer, promptShare: promptShare)
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
