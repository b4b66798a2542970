// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing
@testable import KithInference

@Suite("How many tokens Ollama is told to hold")
struct OllamaContextTests {
    private func at(_ seconds: Int64) -> MonotonicInstant { .zero + .seconds(seconds) }

    @Test("Nothing, while a prompt fits in what every Ollama holds and nothing is loaded")
    func small() {
        var context = OllamaContext(limit: 32_768)
        context.saw(loaded: nil, now: at(0))
        #expect(context.begin(for: 1_200, now: at(0)) == nil)
    }

    @Test("What is loaded, as long as that suffices: another number would have it loaded anew")
    func loaded() {
        var context = OllamaContext(limit: 131_072)
        context.saw(loaded: 32_768, now: at(0))
        #expect(context.begin(for: 1_200, now: at(0)) == 32_768)
        #expect(context.begin(for: 32_768, now: at(1)) == 32_768)
    }

    @Test("The next power of two for a longer prompt, and no less for the short ones that follow")
    func raised() {
        var context = OllamaContext(limit: 131_072)
        context.saw(loaded: 4_096, now: at(0))
        #expect(context.begin(for: 20_000, now: at(0)) == 32_768)
        #expect(context.begin(for: 100, now: at(1)) == 32_768)
        #expect(context.begin(for: 32_769, now: at(2)) == 65_536)
    }

    @Test("No more than the model was made for, or the owner allows")
    func limited() {
        var context = OllamaContext(limit: 40_000)
        #expect(context.begin(for: 33_000, now: at(0)) == 40_000)
        #expect(context.begin(for: 90_000, now: at(0)) == 40_000)
        var small = OllamaContext(limit: 1_024)
        #expect(small.begin(for: 1_500, now: at(0)) == 1_024)
    }

    @Test("The model's own parameter holds where nothing else is known")
    func own() {
        var context = OllamaContext(limit: 131_072, own: 16_384)
        #expect(context.begin(for: 10_000, now: at(0)) == nil)
        var less = OllamaContext(limit: 131_072, own: 512)
        #expect(less.begin(for: 1_000, now: at(0)) == 4_096)
    }

    @Test(
        "Ollama is asked what it holds while that is unknown, and after the model may have been unloaded; by one of many"
    )
    func looks() {
        var context = OllamaContext(limit: 32_768)
        func looks(_ seconds: Int64) -> Bool { context.takesLook(now: at(seconds)) }
        #expect([looks(0), looks(0), looks(5), looks(6)] == [true, false, false, true])
        context.saw(loaded: 4_096, now: at(6))
        _ = context.begin(for: 100, now: at(7))
        #expect([looks(200), looks(248), looks(248)] == [false, true, false])
        context.saw(loaded: nil, now: at(248))
        #expect(context.begin(for: 100, now: at(248)) == nil)
    }

    @Test("Where there was no memory for a length, half of it is the most for ten minutes")
    func shortage() {
        var context = OllamaContext(limit: 131_072)
        context.saw(loaded: 4_096, now: at(0))
        #expect(context.begin(for: 60_000, now: at(0)) == 65_536)
        let isShortage = context.end(65_536, as: .failed, now: at(1))
        #expect(isShortage)
        let looks = context.takesLook(now: at(1))
        #expect(looks)
        context.saw(loaded: 4_096, now: at(1))
        #expect(context.begin(for: 100, now: at(2)) == 4_096)
        #expect(context.begin(for: 60_000, now: at(3)) == 32_768)
        #expect(context.most(now: at(599)) == 32_768)
        #expect(context.most(now: at(602)) == 131_072)
    }

    @Test("A length with which an answer has begun stays, whatever fails later")
    func proved() {
        var context = OllamaContext(limit: 131_072)
        context.saw(loaded: 4_096, now: at(0))
        let isShortage = context.end(4_096, as: .failed, now: at(0))
        #expect(!isShortage)
        let raised = context.begin(for: 20_000, now: at(1))
        _ = context.end(raised, as: .loaded, now: at(1))
        let isShortageStill = context.end(raised, as: .failed, now: at(2))
        #expect(!isShortageStill)
        #expect(context.begin(for: 100, now: at(3)) == 32_768)
    }

    @Test("One that nobody waited for to the end is not told to others, and is no shortage")
    func abandoned() {
        var context = OllamaContext(limit: 131_072)
        context.saw(loaded: 4_096, now: at(0))
        let raised = context.begin(for: 20_000, now: at(1))
        let isShortage = context.end(raised, as: .unknown, now: at(2))
        #expect(!isShortage)
        let looks = context.takesLook(now: at(2))
        #expect(looks)
        context.saw(loaded: 4_096, now: at(2))
        #expect(context.begin(for: 100, now: at(2)) == 4_096)
        #expect(context.most(now: at(3)) == 131_072)
    }

    @Test("Clients that leave while others wait for the same length change nothing for those")
    func othersWait() {
        var context = OllamaContext(limit: 131_072)
        context.saw(loaded: 4_096, now: at(0))
        let raised = context.begin(for: 20_000, now: at(1))
        for _ in 0..<10 {
            let told = context.begin(for: 100, now: at(2))
            _ = context.end(told, as: .unknown, now: at(2))
        }
        #expect(context.told == raised)
        _ = context.end(raised, as: .loaded, now: at(3))
        #expect(context.told == 32_768)
    }

    @Test("A look that began before a request raised the length does not take it back")
    func lateLook() {
        var context = OllamaContext(limit: 131_072)
        context.saw(loaded: 4_096, now: at(0))
        _ = context.begin(for: 20_000, now: at(300))
        context.saw(loaded: nil, asked: at(299), now: at(301))
        #expect(context.told == 32_768)
    }

    @Test("A prompt with more tokens than estimated gets twice as many, or as many as were counted")
    func counted() {
        var context = OllamaContext(limit: 16_384)
        context.saw(loaded: 4_096, now: at(0))
        #expect(context.next(after: 4_096, counted: nil, now: at(0)) == 8_192)
        #expect(context.next(after: 4_096, counted: 12_000, now: at(0)) == 13_024)
        #expect(context.next(after: nil, counted: 90_000, now: at(0)) == 16_384)
        #expect(context.next(after: 16_384, counted: 90_000, now: at(0)) == nil)
    }

    @Test("Hostile numbers are only numbers", arguments: [Int.min, -1, 0, 1, .max])
    func hostile(number: Int) {
        var context = OllamaContext(limit: number, own: number)
        context.saw(loaded: number, now: at(0))
        for needed in [0, 1, 2_048, Int.max] {
            let length = context.begin(for: needed, now: at(0))
            #expect((length ?? 1) > 0)
            _ = context.next(after: length, counted: number, now: at(0))
        }
        _ = context.end(number, as: .failed, now: at(0))
        #expect((context.most(now: at(1)) ?? 1) > 0)
    }

    @Test("A client's limit of an answer counts as far as answers usually go")
    func needs() {
        let long = ChatRequest(
            messages: [ChatMessage(.user, String(repeating: "word ", count: 8_000))],
            sampling: SamplingOptions(maxTokens: 64_000))
        let needed = OllamaContext.needed(by: long)
        #expect(needed > 8_000 + 4_096 && needed < 20_000)
        #expect(OllamaContext.needed(by: ChatRequest("hi", model: "m")) < OllamaContext.leastDefault)
    }
}
