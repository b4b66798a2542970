// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("An answer in Anthropic's dialect")
struct AnthropicMessagesAnswerTests {
    private static let header = AnthropicAnswerHeader(
        id: "msg_1", model: "m\u{2028}", stops: ["END"], estimatedPromptTokens: 7)
    private static let usage = TokenUsage(
        promptTokens: 10, completionTokens: 2, details: ["prompt_tokens_details": ["cached_tokens": 4]])
    private static let call: JSONValue = [
        "id": "c", "type": "function", "function": ["name": "add", "arguments": #"{"x":[1,2]}"#],
    ]

    private func answer(
        _ message: ChatDelta, _ finish: FinishReason, usage: TokenUsage = Self.usage,
        header: AnthropicAnswerHeader = Self.header
    ) throws -> JSONValue {
        try JSONValue(
            parsing: AnthropicMessagesAnswer.body(header: header, message: message, finish: finish, usage: usage))
    }

    @Test("Thoughts, text and calls are blocks in this order, and arguments are objects")
    func whole() throws {
        let message = ChatDelta(text: "Grüße", reasoning: "hm", toolCalls: .array([Self.call]))
        #expect(
            try answer(message, .toolCalls) == [
                "id": "msg_1", "type": "message", "role": "assistant", "model": "m\u{2028}",
                "content": [
                    ["type": "thinking", "thinking": "hm", "signature": "kith"],
                    ["type": "text", "text": "Grüße"],
                    ["type": "tool_use", "id": "c", "name": "add", "input": ["x": [1, 2]]],
                ],
                "stop_reason": "tool_use", "stop_sequence": nil,
                "usage": [
                    "input_tokens": 6, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4,
                    "output_tokens": 2,
                ],
            ])
    }

    @Test("Thoughts keep the signature of the provider that gave them")
    func signedThoughts() throws {
        let signed: JSONValue = [
            ["type": "thinking", "thinking": "hm", "signature": "theirs"],
            ["type": "redacted_thinking", "data": "zzz"],
        ]
        let answer = try answer(
            ChatDelta(text: "x", reasoning: "hm", extra: ["thinking_blocks": signed]), .stop)
        #expect(
            answer["content"] == [
                ["type": "thinking", "thinking": "hm", "signature": "theirs"],
                ["type": "redacted_thinking", "data": "zzz"], ["type": "text", "text": "x"],
            ])
    }

    @Test("Who did not ask for thoughts gets text first")
    func withoutThoughts() throws {
        var header = Self.header
        header.showsThoughts = false
        let answer = try answer(ChatDelta(text: "x", reasoning: "hm"), .stop, header: header)
        #expect(answer["content"] == [["type": "text", "text": "x"]])
    }

    @Test(
        "The end has Anthropic's words, and an unknown one is not made a clean end",
        arguments: [
            (.stop, ChatDelta(text: "x"), "end_turn", nil), (.length, ChatDelta(text: "x"), "max_tokens", nil),
            (.stop, ChatDelta(text: "x", toolCalls: .array([call])), "tool_use", nil),
            (.toolCalls, ChatDelta(text: "x"), "end_turn", nil),
            (.contentFilter, ChatDelta(), "refusal", nil), (.stop, ChatDelta(refusal: "No."), "refusal", nil),
            (.stop, ChatDelta(text: "x", choiceExtra: ["stop_reason": "END"]), "stop_sequence", "END"),
            (.stop, ChatDelta(text: "x", choiceExtra: ["stop_reason": 2]), "end_turn", nil),
            (.stop, ChatDelta(text: "x", choiceExtra: ["matched_stop": "other"]), "end_turn", nil),
            (FinishReason(rawValue: "odd"), ChatDelta(text: "x"), "odd", nil),
        ] as [(FinishReason, ChatDelta, String, String?)])
    func end(finish: FinishReason, message: ChatDelta, reason: String, sequence: String?) throws {
        let answer = try answer(message, finish)
        #expect(answer["stop_reason"]?.stringValue == reason)
        #expect(answer["stop_sequence"]?.stringValue == sequence)
    }

    @Test("An engine that does not count is answered for by the estimate")
    func uncounted() throws {
        let answer = try answer(ChatDelta(text: "x"), .stop, usage: TokenUsage(promptTokens: 0, completionTokens: 1))
        #expect(answer["usage"]?["input_tokens"] == 7)
    }

    @Test(
        "A call without arguments has an empty object, one that was cut off is left out, and a broken one is an error")
    func arguments() throws {
        func message(_ arguments: JSONValue) -> ChatDelta {
            ChatDelta(toolCalls: [["function": ["name": "now", "arguments": arguments]]])
        }
        let empty = try answer(message(""), .toolCalls)
        #expect(empty["content"] == [["type": "tool_use", "id": "toolu_1_0", "name": "now", "input": [:]]])
        let cut = try answer(message(#"{"x":"#), .length)
        #expect(cut["content"] == [])
        #expect(cut["stop_reason"] == "max_tokens")
        for broken in [#"{"x":"#, "[]", "3"] as [JSONValue] {
            let failure = #expect(throws: ChatError.self) { try answer(message(broken), .toolCalls) }
            #expect(failure?.code == .invalidAnswer)
        }
    }

    @Test(
        "An error says of which kind it is",
        arguments: [
            (400, "invalid_request_error"), (401, "authentication_error"), (403, "permission_error"),
            (404, "not_found_error"), (405, "invalid_request_error"), (413, "request_too_large"),
            (429, "rate_limit_error"), (500, "api_error"), (502, "api_error"), (503, "overloaded_error"),
            (504, "api_error"), (507, "api_error"),
        ])
    func error(status: Int, type: String) {
        let body = AnthropicErrorBody(status: status, message: "x").json
        #expect(body == ["type": "error", "error": ["type": .string(type), "message": "x"]])
    }

    @Test("Models are listed on one page, with a date for each")
    func models() throws {
        let page = try JSONValue(
            parsing: AnthropicModelPage.body([
                ModelInfo(id: "a", contextLength: 8_192, created: 1_700_000_000), ModelInfo(id: "b", created: .max),
            ]))
        #expect(page["has_more"] == false)
        #expect(page["first_id"] == "a" && page["last_id"] == "b")
        let models = try #require(page["data"]?.arrayValue)
        #expect(models.map { $0["type"] } == ["model", "model"])
        #expect(models.map { $0["display_name"] } == ["a", "b"])
        #expect(models.map { $0["max_input_tokens"] } == [8_192, nil])
        #expect(
            models.map { $0["created_at"] } == ["2023-11-14T22:13:20.000000Z", "1970-01-01T00:00:00.000000Z"])
        let none = try JSONValue(parsing: AnthropicModelPage.body([]))
        #expect(none == ["data": [], "has_more": false, "first_id": nil, "last_id": nil])
    }
}
