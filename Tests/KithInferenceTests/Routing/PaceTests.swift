// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

@Suite("Pace")
struct PaceTests {
    private static let request = Work(promptTokens: 0, answerTokens: 92)  // a hundred with what any request costs

    private static func pace(_ secondsPerToken: Double, samples: Int) -> Pace {
        var pace = Pace()
        for _ in 0..<samples { pace.served(request, in: .seconds(secondsPerToken * request.tokens), now: .zero) }
        return pace
    }

    @Test("Long and short answers of the same engine say the same of it")
    func lengthsDoNotMatter() throws {
        var pace = Pace()
        for tokens in [2.0, 4_000, 30, 500] {
            let work = Work(promptTokens: 0, answerTokens: tokens)
            pace.served(work, in: .seconds(work.tokens * 0.02), now: .zero)
        }
        let learned = try #require(pace.secondsPerToken)
        #expect(abs(learned - 0.02) < 1e-9)
    }

    @Test("A prompt's token counts for a sixteenth of one that is made")
    func promptShare() {
        let read = Work(promptTokens: 1_600, answerTokens: 0)
        let made = Work(promptTokens: 0, answerTokens: 100)
        #expect(read == made)
    }

    @Test("Absurd counts are held to what arithmetic bears", arguments: [Int.min, -1, Int.max])
    func absurdCounts(count: Int) {
        let work = Work(promptTokens: count, answerTokens: Double(count))
        #expect((Work.overhead...2e7).contains(work.tokens))
    }

    @Test("A machine that has become slower is known as such after some twenty requests")
    func follows() throws {
        var pace = Self.pace(0.01, samples: 100)
        for _ in 0..<22 { pace.served(Self.request, in: .seconds(4), now: .zero) }
        let learned = try #require(pace.secondsPerToken)
        #expect(learned > 0.035)
    }

    @Test("What nobody has tried is assumed to be as good as the best")
    func optimism() {
        #expect(Pace().secondsPerToken == nil)
        #expect(Pace().estimate(now: .zero, best: 0.5) == 0.5)
    }

    @Test("A pace is believed more with each sample")
    func belief() {
        #expect(abs(Self.pace(9, samples: 1).estimate(now: .zero, best: 1) - 3) < 1e-6)
        #expect(abs(Self.pace(9, samples: 297).estimate(now: .zero, best: 1) - 9) < 0.1)
    }

    @Test("What was seen once is forgotten soon, what was seen often is remembered for minutes, nothing for ever")
    func forgetting() {
        #expect(Self.pace(9, samples: 1).estimate(now: .seconds(60), best: 1) < 1.1)
        #expect(Self.pace(9, samples: 297).estimate(now: .seconds(60), best: 1) > 8)
        #expect(Self.pace(9, samples: 297).estimate(now: .seconds(86_400), best: 1) < 1.1)
    }

    @Test("A failure's penalty halves every ten seconds and vanishes")
    func penaltyFades() {
        var penalty = FailurePenalty()
        penalty.failed(now: .zero)
        func left(after seconds: Double) -> Double { penalty.left(now: .seconds(seconds)).seconds }
        #expect(abs(left(after: 0) - 30) < 1e-6)
        #expect(abs(left(after: 10) - 15) < 1e-6)
        #expect(abs(left(after: 20) - 7.5) < 1e-6)
        #expect(left(after: 600) == 0)
    }

    @Test("Many failures at once cost no more than four")
    func penaltyIsBounded() {
        var penalty = FailurePenalty()
        for _ in 0..<1_000 { penalty.failed(now: .zero) }
        #expect(penalty.left(now: .zero) == .seconds(120))
    }

    @Test("A request is expected to be as long as the mean, unless it asks for less")
    func expectedWork() {
        var mean = MeanWork()
        let work = Work(promptTokens: 0, answerTokens: 400)
        for _ in 0..<400 { mean.served(work, answerTokens: 400) }
        #expect(abs(mean.expected(of: RouteRequest()).tokens - 408) < 1)
        #expect(abs(mean.expected(of: RouteRequest(maxTokens: 12)).tokens - 20) < 1)
        #expect(abs(mean.expected(of: RouteRequest(tokens: 1_600, maxTokens: 1_000)).tokens - 508) < 1)
        #expect(mean.expected(of: RouteRequest(purpose: .embedding, tokens: 160)).tokens == 18)
    }
}
