// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("What an answer cost")
struct EngineCostTests {
    @Test(
        "The counts are read from the end of an answer that is passed on as it is",
        arguments: [
            #"{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":345,"total_tokens":357}}"#,
            #"{"usage" : { "completion_tokens" : 345 , "prompt_tokens"\#n:\#t12}, "timings":{"predicted_n":1}}"#,
            #"{"choices":[{"message":{"content":"\"completion_tokens\":9, \"prompt_tokens\":9"}}],"#
                + #""usage":{"prompt_tokens":12,"completion_tokens":345}}"#,
        ])
    func counts(body: String) {
        let usage = VerbatimUsage(endOf: Array(body.utf8))
        #expect(usage.promptTokens == 12)
        #expect(usage.answerTokens == 345)
    }

    @Test("A text that quotes the counts is not taken for them")
    func quoted() {
        let body = #"{"choices":[{"text":"\"completion_tokens\":9, \"prompt_tokens\":9"}]}"#
        let usage = VerbatimUsage(endOf: Array(body.utf8))
        #expect(usage.promptTokens == nil)
        #expect(usage.answerTokens == nil)
    }

    @Test(
        "What is no count is unknown",
        arguments: [
            "-4", "1e9", "null", "\"7\"", "99999999999999999999", "", "4294967296000",
        ])
    func noCount(value: String) {
        let usage = VerbatimUsage(endOf: Array(#"{"usage":{"completion_tokens":\#(value)"#.utf8))
        #expect(usage.answerTokens == nil)
    }

    @Test("Counts that stand far before the end are not looked for")
    func bounded() {
        let body = #"{"usage":{"prompt_tokens":12}"# + String(repeating: " ", count: VerbatimUsage.reach) + "}"
        #expect(VerbatimUsage(endOf: Array(body.utf8)).promptTokens == nil)
    }

    @Test("Spoilt answers never trap, and say nothing absurd", arguments: 1...20 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let body = Array(#"{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":345}}"#.utf8)
        for _ in 0..<2_000 {
            let usage = VerbatimUsage(endOf: Mutations.spoil(body, using: &generator))
            for count in [usage.promptTokens, usage.answerTokens].compactMap(\.self) {
                #expect((0...999_999_999).contains(count))
            }
        }
    }

    @Test("The node that runs the engine says how long a request held its slot, without its wait for one")
    func engineTime() async throws {
        let clock = ManualClock()
        let settings = TestEngineSettings(tokensPerSecond: 10, slots: 1)
        let local = LocalEngine(engine: CountEngine(setup: .init(settings: settings, clock: clock)), clock: clock)
        let request = ChatRequest(
            messages: [ChatMessage(.user, "go")], sampling: SamplingOptions(maxTokens: 11))
        func answer() async throws -> TokenUsage {
            guard case .events(let stream) = try await local.answer(request) else {
                throw ChatError(.invalidAnswer, "events were expected")
            }
            for try await event in stream {
                if case .finished(_, let usage) = event { return usage }
            }
            throw ChatError(.interrupted, "there was no end")
        }
        async let first = answer()
        async let second = answer()
        let ticker = Task {
            while !Task.isCancelled {
                if clock.sleeperCount > 0 { clock.advance(by: .milliseconds(10)) }
                await Task.yield()
            }
        }
        for time in try await [first.engineTime, second.engineTime] {
            let seconds = try #require(time).seconds
            #expect((0.9...1.1).contains(seconds))
        }
        ticker.cancel()
        #expect(clock.now > .seconds(1.8))
    }
}
