// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import Testing

@Suite("The echo engine")
struct EchoEngineTests {
    private let engine = EchoEngine()

    @Test(
        "Gives back every byte of the last user message",
        arguments: [
            "hello", "two words", "  leading and trailing \n", "tabs\tand\r\nline ends\u{2028}of all kinds\u{85}", "",
            "e\u{301} and é differ", "a \u{301}combining mark after a space", "👩‍👩‍👧 family", "\u{0}zero",
        ])
    func everyByte(text: String) async throws {
        let answered = try await engine.whole(ChatRequest(text))
        #expect(Array(answered.text.utf8) == Array(text.utf8))
        #expect(answered.finish == .stop)
    }

    @Test("Gives one word with the whitespace after it as a token")
    func tokens() async throws {
        let answered = try await engine.whole(ChatRequest(" one  two\nthree "))
        #expect(answered.tokens == [" one  ", "two\n", "three "])
        #expect(answered.usage == TokenUsage(promptTokens: 3, completionTokens: 3))
    }

    @Test(
        "Ends for length at the token limit, and not when the limit is just enough", arguments: [(2, true), (3, false)])
    func tokenLimit(limit: Int, isCut: Bool) async throws {
        let answered = try await engine.whole(ChatRequest("a b c", sampling: SamplingOptions(maxTokens: limit)))
        #expect(answered.text == (isCut ? "a b " : "a b c"))
        #expect(answered.finish == (isCut ? .length : .stop))
    }

    @Test(
        "Ends before the first stop string, also in the middle of a word",
        arguments: [
            (["c"], "a b "), (["b c"], "a "), (["d", "b"], "a "), ([""], "a b c d"), (["x"], "a b c d"), (["a"], ""),
        ])
    func stop(strings: [String], expected: String) async throws {
        let answered = try await engine.whole(ChatRequest("a b c d", sampling: SamplingOptions(stop: strings)))
        #expect(answered.text == expected)
        #expect(answered.finish == .stop)
    }

    @Test("Does not take a canonically equivalent text for a stop string")
    func stopComparesBytes() async throws {
        let answered = try await engine.whole(ChatRequest("caf\u{E9}", sampling: SamplingOptions(stop: ["e\u{301}"])))
        #expect(answered.text == "caf\u{E9}")
    }

    @Test("Echoes the prompt of a completion")
    func completion() async throws {
        let request = ChatRequest(kind: .completion, messages: [ChatMessage(.user, "once upon")])
        #expect(try await engine.whole(request).text == "once upon")
    }

    @Test("Goes on where a last assistant message stopped")
    func continuation() async throws {
        let request = ChatRequest(messages: [ChatMessage(.user, "one two three"), ChatMessage(.assistant, "one tw")])
        #expect(try await engine.whole(request).text == "o three")
    }

    @Test("Takes the last user message, not the last message")
    func lastUserMessage() async throws {
        let request = ChatRequest(messages: [
            ChatMessage(.user, "first"), ChatMessage(.assistant, "first"), ChatMessage(.user, "second"),
            ChatMessage(.system, "be brief"),
        ])
        #expect(try await engine.whole(request).text == "second")
    }

    @Test("Refuses a prompt longer than its context")
    func context() async throws {
        let request = ChatRequest(String(repeating: "word ", count: 8_193))
        await #expect(throws: ChatError.self) { try await engine.answer(request) }
    }
}
