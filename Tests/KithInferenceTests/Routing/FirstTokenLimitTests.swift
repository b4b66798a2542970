// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("How long a first token may take")
struct FirstTokenLimitTests {
    private static func demand(_ tokens: Int, _ model: ModelID = "m") -> FirstTokenLimit.Demand {
        .init(model: model, promptTokens: tokens)
    }

    /// The engine answers some prompts, one a second.
    private static func answer(
        _ limit: inout FirstTokenLimit, _ count: Int, tokens: Int = 10, in time: Duration, from start: MonotonicInstant
    ) -> MonotonicInstant {
        var now = start
        for _ in 0..<count {
            let wait = limit.began(demand(tokens), now: now)
            now = now + time
            limit.sawFirstToken(of: wait, now: now)
            now = now + .seconds(1)
        }
        return now
    }

    @Test("What is not known yet may be loaded, and is read as slowly as a small machine reads")
    func unknown() {
        let limit = FirstTokenLimit()
        #expect(limit.limit(for: Self.demand(0), now: .zero) == .seconds(150))
        #expect(limit.limit(for: Self.demand(1_000), now: .zero) == .seconds(190))
    }

    @Test("However quick the answers were, a model that has been away may be loaded again")
    func reload() {
        var limit = FirstTokenLimit()
        let now = Self.answer(&limit, 6, in: .milliseconds(20), from: .zero)
        #expect(limit.limit(for: Self.demand(10), now: now) < .seconds(31))
        #expect(limit.limit(for: Self.demand(10), now: now + .seconds(61)) >= .seconds(150))
        #expect(limit.limit(for: Self.demand(10, "other"), now: now) >= .seconds(150))
    }

    @Test("A long prompt gets the time to be read, at the pace that the engine has shown")
    func reading() {
        var limit = FirstTokenLimit()
        var now = Self.answer(&limit, 6, in: .milliseconds(20), from: .zero)
        #expect(limit.limit(for: Self.demand(10_000), now: now) >= .seconds(400))
        now = Self.answer(&limit, 40, tokens: 1_000, in: .seconds(1), from: now)
        let fast = limit.limit(for: Self.demand(10_000), now: now)
        #expect(fast >= .seconds(49) && fast < .seconds(80))
    }

    @Test("Three times the 99th percentile of the last 128 waits is allowed, whatever their order")
    func percentile() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let waits = (0..<Int.random(in: 1...200, using: &generator)).map { _ in
                Duration.seconds(Int.random(in: 50...55, using: &generator))
            }
            var limit = FirstTokenLimit()
            var now = Self.answer(&limit, 1, tokens: 0, in: .zero, from: .zero)  // loads the model
            for wait in waits { now = Self.answer(&limit, 1, tokens: 0, in: wait, from: now) }
            let last = waits.suffix(128).sorted()
            let allowed = limit.limit(for: Self.demand(0), now: now)
            #expect(allowed == last[(last.count * 99 - 1) / 100] * 3, "seed \(seed): \(waits)")
        }
    }

    @Test("What came out of a cache does not shorten the time for a prompt that has to be read")
    func cached() {
        var limit = FirstTokenLimit()
        let now = Self.answer(&limit, 40, tokens: 12_000, in: .milliseconds(20), from: .zero)
        #expect(limit.limit(for: Self.demand(12_000), now: now) >= .seconds(78))
        #expect(limit.limit(for: Self.demand(10), now: now) < .seconds(31))
    }

    @Test("An engine that is slow to begin is given three times what it takes")
    func slow() {
        var limit = FirstTokenLimit()
        let now = Self.answer(&limit, 6, in: .seconds(40), from: .zero)
        #expect(limit.limit(for: Self.demand(10), now: now) >= .seconds(119))
    }

    @Test("A limit that was passed is a sample: what takes longer is not cut off at the same moment again")
    func timeOuts() {
        for needed in [Duration.seconds(40), .seconds(200), .seconds(500), .seconds(899)] {
            var limit = FirstTokenLimit()
            var now = Self.answer(&limit, 20, in: .milliseconds(5), from: .zero)
            var tries = 0
            while true {
                let wait = limit.began(Self.demand(10), now: now)
                tries += 1
                if wait.limit >= needed { break }
                now = wait.began + wait.limit
                limit.timedOut(wait, now: now)
                #expect(limit.limit(for: Self.demand(10), now: now) >= min(wait.limit * 2, FirstTokenLimit.ceiling))
            }
            #expect(tries <= 6, "\(needed)")
        }
    }

    @Test(
        "No limit is under half a minute, and none over a quarter of an hour", arguments: 1...20 as ClosedRange<UInt64>)
    func bounds(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var limit = FirstTokenLimit()
        var now = MonotonicInstant.zero
        for _ in 0..<500 {
            let demand = Self.demand(
                Int.random(in: -5...3_000_000, using: &generator),
                ModelID("\(Int.random(in: 0...99, using: &generator))"))
            let wait = limit.began(demand, now: now)
            #expect(wait.limit >= FirstTokenLimit.floor && wait.limit <= FirstTokenLimit.ceiling)
            now = now + .seconds(Double.random(in: 0...1_000, using: &generator))
            if Bool.random(using: &generator) {
                limit.sawFirstToken(of: wait, now: now)
            } else {
                limit.timedOut(wait, now: now)
            }
        }
    }

    @Test("A call that is written in silence has its own limit, on engines that may do so")
    func toolStall() {
        let limit = StallLimit()
        let plain = ChatRequest(messages: [ChatMessage(.user, "hi")])
        var tools = plain
        tools.extensions["tools"] = [["type": "function"]]
        for kind in [EngineKind.ollama, .openAI, .embedded, nil] {
            #expect(limit.limit(for: tools, kind: kind) == .seconds(180))
            #expect(limit.limit(for: plain, kind: kind) == .seconds(30))
        }
        #expect(limit.limit(for: tools, kind: .anthropic) == .seconds(30))
        #expect(StallLimit(ordinary: .seconds(300)).limit(for: tools, kind: .ollama) == .seconds(300))
    }

    @Test("An engine that is given up is given longer the next time")
    func localEngine() async throws {
        let engine = SilentEngine()
        let local = LocalEngine(engine: engine, clock: ManualClock())
        for _ in 0..<3 {
            await #expect(throws: ChatError.self) {
                _ = try await local.answer(ChatRequest(model: "m", messages: [ChatMessage(.user, "hi")]))
            }
        }
        let limits = engine.limits
        #expect(limits.count == 3)
        #expect(limits[1] >= limits[0] * 2)
        #expect(limits[2] >= limits[1] * 2)
        #expect(local.load == (0, 0))
    }
}
