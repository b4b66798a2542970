// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("Ollama's stream")
struct OllamaStreamDecoderTests {
    private func events(_ text: String, pieces: Int = .max) throws -> [ChatEvent] {
        var decoder = OllamaStreamDecoder()
        var events: [ChatEvent] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: min(pieces, max(1, bytes.count))) {
            try decoder.feed(bytes[start..<min(start + min(pieces, bytes.count), bytes.count)], into: &events)
        }
        return events + (try decoder.end())
    }

    private static let chat = """
        {"model":"m","created_at":"2026-01-02T03:04:05Z","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}
        {"model":"m","created_at":"2026-01-02T03:04:05Z","message":{"role":"assistant","content":"Grüße"},"done":false}

        {"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}
        """

    @Test("Is read wherever it is cut, with and without a last line end", arguments: [1, 2, 3, 7, 50, 10_000])
    func pieces(size: Int) throws {
        let expected: [ChatEvent] = [
            .delta(ChatDelta(reasoning: "hm")), .delta(ChatDelta(text: "Grüße")),
            .finished(.stop, TokenUsage(promptTokens: 3, completionTokens: 2)),
        ]
        #expect(try events(Self.chat, pieces: size) == expected)
        #expect(try events(Self.chat + "\n", pieces: size) == expected)
    }

    @Test("Is read from generate as from chat")
    func generate() throws {
        let text = """
            {"response":"1","done":false}
            {"response":" 2","done":true,"done_reason":"length"}
            """
        #expect(
            try events(text) == [
                .delta(ChatDelta(text: "1")), .delta(ChatDelta(text: " 2")),
                .finished(.length, TokenUsage(promptTokens: 0, completionTokens: 0)),
            ])
    }

    @Test(
        "Says why it ended, and takes no word that it does not know for an end like any other",
        arguments: [
            (#""stop""#, FinishReason.stop), (#""length""#, .length), ("null", .stop),
            (#""load""#, FinishReason(rawValue: "load")), (#""unload""#, FinishReason(rawValue: "unload")),
            (#""reason_to_come""#, FinishReason(rawValue: "reason_to_come")),
        ])
    func reasons(word: String, finish: FinishReason) throws {
        let events = try events(#"{"response":"a","done":true,"done_reason":\#(word)}"#)
        #expect(events.last == .finished(finish, TokenUsage(promptTokens: 0, completionTokens: 0)))
    }

    @Test("Counts and texts in forms that were not to be expected are no reason to fail")
    func tolerance() throws {
        let text =
            #"{"message":{"content":null,"thinking":null,"tool_calls":null},"done":null,"prompt_eval_count":null}"#
            + "\n" + #"{"message":null,"done":true,"eval_count":1e300,"prompt_eval_count":3.0}"#
        #expect(try events(text) == [.finished(.stop, TokenUsage(promptTokens: 3, completionTokens: 0))])
    }

    @Test("Is read whole when it was not to be streamed")
    func whole() throws {
        let body =
            #"{"model":"m","message":{"role":"assistant","content":"hi","thinking":"hm"},"done":true,"done_reason":"length","prompt_eval_count":3,"eval_count":2}"#
        let end = ChatEvent.finished(.length, TokenUsage(promptTokens: 3, completionTokens: 2))
        #expect(
            try OllamaWholeAnswer.events(in: Array(body.utf8))
                == [.delta(ChatDelta(text: "hi", reasoning: "hm")), end])
        let streamed = #"{"message":{"content":"hi"},"done":false}"# + "\n" + #"{"done":true,"done_reason":"stop"}"#
        #expect(
            try OllamaWholeAnswer.events(in: Array(streamed.utf8)).first == .delta(ChatDelta(text: "hi")))
        for (body, code) in [
            ("{", ChatError.Code.invalidAnswer), (#"{"done":false}"#, .interrupted),
            (#"{"error":"x"}"#, .engineError),
        ] {
            let failure = #expect(throws: ChatError.self) { try OllamaWholeAnswer.events(in: Array(body.utf8)) }
            #expect(failure?.code == code)
        }
    }

    @Test("Gives tool calls in OpenAI's form")
    func toolCalls() throws {
        let text = """
            {"message":{"content":"","tool_calls":[{"function":{"name":"add","arguments":{"a":1}}}]},"done":false}
            {"message":{"content":""},"done":true,"done_reason":"stop"}
            """
        let events = try events(text)
        guard case .delta(let delta) = events.first, let call = delta.toolCalls?.arrayValue?.first else {
            Issue.record("no tool call in \(events)")
            return
        }
        #expect(call["index"] == 0)
        #expect(call["type"] == "function")
        #expect(call["id"]?.stringValue?.isEmpty == false)
        #expect(call["function"] == ["name": "add", "arguments": "{\"a\":1}"])
        #expect(events.last == .finished(.toolCalls, TokenUsage(promptTokens: 0, completionTokens: 0)))
    }

    @Test(
        "Fails with a reason when it is not a whole answer",
        arguments: [
            ("", ChatError.Code.interrupted), ("{\"response\":\"1\",\"done\":false}\n", .interrupted),
            ("<html>\n", .invalidAnswer), ("[1]\n", .invalidAnswer), ("{\"done\":\"yes\"}\n", .invalidAnswer),
            ("{\"response\":\"a\",\"done\":fal", .invalidAnswer), ("{\"error\":\"out of memory\"}\n", .engineError),
            ("{\"error\":{\"message\":\"out of memory\"}}\n", .engineError),
            ("{\"response\":\"a\",\"done\":false}\n{\"error\":\"x\"}", .engineError),
        ])
    func failures(text: String, code: ChatError.Code) {
        let failure = #expect(throws: ChatError.self) { try events(text) }
        #expect(failure?.code == code)
    }
}
