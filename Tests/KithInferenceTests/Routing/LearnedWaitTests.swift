// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

/// What the router learns of reading and loading, by the wait that it expects.
@Suite("Learned waits")
struct LearnedWaitTests {
    private static let candidate = Candidate(node: "n", model: "m")
    private static let node = NodeSnapshot.sketch("n", isSelf: true)

    private func estimate(
        _ router: Router, tokens: Int, prefix: PrefixBlocks = PrefixBlocks(), on node: NodeSnapshot = Self.node
    ) throws -> WaitEstimate {
        let request = RouteRequest(tokens: tokens, maxTokens: 100, prefix: prefix)
        return try #require(router.decide(request, among: [node], now: .zero).choices.first).estimate
    }

    /// A router that has seen an engine: seconds for a token that it reads and that it makes, and to load.
    private func router(
        read: Double, made: Double, load: Double = 0, isCold: Bool = false, requests: Int = 200,
        prefix: PrefixBlocks = PrefixBlocks(), cached: Int = 0, on known: Router? = nil
    ) -> Router {
        var router = known ?? Router(generator: SystemRandomNumberGenerator())
        for number in 0..<requests {
            let id = RequestID(rawValue: "r\(number)")
            let prompt = 1_000 + number % 3 * 500
            let first = load + made * Work.overhead + read * Double(prompt - cached)
            let whole = first + made * 99
            router.began(
                id, at: Self.candidate, for: RouteRequest(tokens: prompt, prefix: prefix), isCold: isCold, now: .zero)
            router.succeeded(
                id, at: Self.candidate,
                cost: EngineCost(
                    engineTime: .seconds(whole), readTime: .seconds(first), promptTokens: prompt, answerTokens: 100),
                now: .seconds(whole))
        }
        return router
    }

    @Test(
        "The time to read a prompt is that which this machine takes, whatever it takes to write",
        arguments: [(0.02, 0.1), (0.0005, 0.017), (0.05, 0.05)])
    func reading(read: Double, made: Double) throws {
        let estimate = try estimate(router(read: read, made: made), tokens: 20_000)
        #expect(abs(estimate.service.seconds / (20_000 * read + 108 * made) - 1) < 0.05)
    }

    @Test("What an engine has in memory of a conversation need not be read again, and is not taken for fast reading")
    func memory() throws {
        let prefix = PrefixBlocks(ChatRequest(messages: [ChatMessage(.user, String(repeating: "word ", count: 500))]))
        let router = router(read: 0.02, made: 0.1, prefix: prefix, cached: prefix.hashes.count * 60)
        let other = NodeSnapshot.sketch("other", level: 0.5)
        func estimate(_ prefix: PrefixBlocks) throws -> WaitEstimate {
            let request = RouteRequest(tokens: 1_000, maxTokens: 100, prefix: prefix)
            return try #require(router.decide(request, among: [Self.node, other], now: .zero).choices.first).estimate
        }
        let (with, without) = try (estimate(prefix), estimate(PrefixBlocks()))
        #expect(with.prefixBlocks == prefix.hashes.count)
        #expect(abs(without.service.seconds - (1_000 * 0.02 + 10.8)) < 3)
        #expect(without.service - with.service > .seconds(9))
    }

    @Test("A model that is not in memory takes as long as it took the last times; one that is takes nothing more")
    func loading() throws {
        let known = router(read: 0.002, made: 0.02)
        let router = router(read: 0.002, made: 0.02, load: 31, isCold: true, requests: 5, on: known)
        let cold = NodeSnapshot.sketch("n", isSelf: true, resident: ["other"])
        #expect(abs(try estimate(router, tokens: 100, on: cold).coldLoad.seconds - 31) < 1)
        #expect(try estimate(known, tokens: 100, on: cold).coldLoad == LoadTime.first)
        #expect(try estimate(router, tokens: 100, on: .sketch("n", isSelf: true, resident: ["m"])).coldLoad == .zero)
        #expect(try estimate(router, tokens: 100).coldLoad == .zero)
        let (before, after) = (try estimate(known, tokens: 100), try estimate(router, tokens: 100))
        #expect(abs(after.service.seconds / before.service.seconds - 1) < 0.05, "loading is no slowness")
    }

    @Test("A machine that loaded slowly once is tried again")
    func loadedSlowlyOnce() throws {
        let router = router(read: 0.002, made: 0.02, load: 300, isCold: true, requests: 1)
        let cold = NodeSnapshot.sketch("n", isSelf: true, resident: [])
        func expected(after seconds: Double) throws -> Double {
            let choices = router.decide(RouteRequest(), among: [cold], now: .seconds(seconds)).choices
            return try #require(choices.first).estimate.coldLoad.seconds
        }
        #expect(try expected(after: 310) > 250)
        #expect(try expected(after: 1_000) < 170)
        #expect(try expected(after: 86_400) < 5, "better than that of one of which nothing is known")
    }

    @Test("One answer of which the engine says that it is endless is not what all others are measured by")
    func endless() throws {
        var router = router(read: 0.002, made: 0.02)
        let before = try estimate(router, tokens: 100).work
        router.began("r", at: Self.candidate, for: RouteRequest(tokens: 100), now: .zero)
        router.succeeded(
            "r", at: Self.candidate,
            cost: EngineCost(engineTime: .seconds(1), promptTokens: 10_000_000, answerTokens: 10_000_000),
            now: .seconds(1))
        #expect(try estimate(router, tokens: 100).work < before * 3)
    }

    @Test("An answer that came all at once says nothing of the time between tokens")
    func allAtOnce() throws {
        var router = Router(generator: SystemRandomNumberGenerator())
        for number in 0..<50 {
            let id = RequestID(rawValue: "r\(number)")
            router.began(id, at: Self.candidate, for: RouteRequest(tokens: 100), now: .zero)
            router.succeeded(
                id, at: Self.candidate,
                cost: EngineCost(
                    engineTime: .seconds(10), readTime: .milliseconds(9_999), promptTokens: 100, answerTokens: 100),
                now: .seconds(10))
        }
        let estimate = try estimate(router, tokens: 100)
        #expect((5...15).contains(estimate.service.seconds))
    }

    @Test("A few tokens of prompt say nothing of reading, and absurd times do no harm")
    func absurd() throws {
        for time in [Duration.zero, .seconds(-5), .seconds(86_400 * 400)] {
            var router = Router(generator: SystemRandomNumberGenerator())
            for prompt in [0, 1, 63, .max, .min] {
                router.began(
                    "r", at: Self.candidate, for: RouteRequest(tokens: prompt), isCold: prompt == 1, now: .zero)
                router.succeeded(
                    "r", at: Self.candidate,
                    cost: EngineCost(engineTime: time, readTime: time, promptTokens: prompt, answerTokens: .max),
                    now: .seconds(1))
            }
            #expect(try estimate(router, tokens: .max).service.seconds.isFinite)
        }
    }
}
