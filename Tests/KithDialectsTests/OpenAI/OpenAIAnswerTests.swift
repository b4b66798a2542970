// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("An answer in OpenAI's dialect")
struct OpenAIAnswerTests {
    private static let header = OpenAIAnswerHeader(id: "i\"", created: 5, model: "m\u{2028}")
    private static let usage = TokenUsage(
        promptTokens: 1, completionTokens: 2, details: ["prompt_tokens_details": ["cached_tokens": 1]])

    private static let deltas: [ChatDelta] = [
        ChatDelta(text: "Grüße \"\n\u{85}"), ChatDelta(reasoning: "hm"), ChatDelta(refusal: "No."),
        ChatDelta(toolCalls: [
            ["index": 0, "id": "c", "type": "function", "function": ["name": "f", "arguments": "{}"]]
        ]),
        ChatDelta(text: "x", extra: ["annotations": [["z": 1, "a": 2]]], choiceExtra: ["logprobs": ["content": []]]),
    ]

    @Test("What is written piece by piece is read again as it was", arguments: [ChatRequest.Kind.chat, .completion])
    func stream(kind: ChatRequest.Kind) throws {
        let encoder = OpenAIStreamEncoder(kind: kind, header: Self.header, includesUsage: true)
        let deltas = kind == .chat ? Self.deltas : [ChatDelta(text: "one"), ChatDelta(text: "\u{2029}two")]
        let bytes =
            encoder.opening + deltas.flatMap { encoder.delta($0) }
            + encoder.closing(FinishReason(rawValue: "eos_token"), usage: Self.usage)
        let decoded = try ReaderRun(bytes, .decoded, kind: kind)
        #expect(decoded.deltas == deltas)
        #expect(decoded.events.last == .finished(FinishReason(rawValue: "eos_token"), Self.usage))
        // Its own form is the one that is passed on byte for byte.
        let raw = try ReaderRun(bytes, .raw(includesUsage: true), kind: kind)
        #expect(raw.joined.raw.bytes + OpenAIStreamEncoder.done == bytes)
        for event in try raw.objects { #expect(event["id"] == "i\"") }
    }

    @Test("Usage is told to who asked for it only")
    func usage() {
        let encoder = OpenAIStreamEncoder(kind: .chat, header: Self.header, includesUsage: false)
        let text = String(decoding: encoder.closing(.stop, usage: Self.usage), as: UTF8.self)
        #expect(!text.contains("usage") && !text.contains(#""choices":[]"#))
    }

    @Test("A failure and a change of nodes are events of their own")
    func others() throws {
        let encoder = OpenAIStreamEncoder(kind: .chat, header: Self.header, includesUsage: false)
        let failure = encoder.failure(OpenAIErrorBody(message: "a\u{2028}\n", type: "server_error", code: "c"))
        #expect(
            String(decoding: failure, as: UTF8.self)
                == "data: {\"error\":{\"message\":\"a\\u2028\\n\",\"type\":\"server_error\",\"code\":\"c\",\"param\":null}}\n\n"
        )
        let name = try #require(NodeName("den"))
        let continued = encoder.continued(
            OpenAIContinuation(node: name, model: "m", afterTokens: 3, reason: .interrupted))
        let value = try JSONValue(parsing: continued.dropFirst(6))
        #expect(
            value["x_kith"]?["continued"]
                == ["node": "den", "model": "m", "after_tokens": 3, "reason": "interrupted"])
        #expect(OpenAIStreamEncoder.comment("loading\n\r\u{2028}m") == Array(": loadingm\n\n".utf8))
    }

    @Test("A whole answer holds all that was said")
    func whole() throws {
        var joiner = DeltaJoiner(limit: 10_000)
        for delta in Self.deltas { _ = joiner.add(delta) }
        let body = OpenAIAnswer.body(
            .chat, header: Self.header, message: joiner.joined, finish: .toolCalls, usage: Self.usage)
        let answer = try JSONValue(parsing: body)
        #expect(
            answer["choices"] == [
                [
                    "index": 0,
                    "message": [
                        "role": "assistant", "content": "Grüße \"\n\u{85}x", "refusal": "No.",
                        "reasoning_content": "hm",
                        "tool_calls": [["id": "c", "type": "function", "function": ["name": "f", "arguments": "{}"]]],
                        "annotations": [["z": 1, "a": 2]],
                    ], "logprobs": ["content": []], "finish_reason": "tool_calls",
                ]
            ])
        #expect(answer["usage"]?["prompt_tokens_details"]?["cached_tokens"] == 1)
        #expect(answer["usage"]?["total_tokens"] == 3)
        let refused = OpenAIAnswer.body(
            .chat, header: Self.header, message: ChatDelta(refusal: "No."), finish: .stop, usage: Self.usage)
        let message = try JSONValue(parsing: refused)["choices"]?.arrayValue?.first?["message"]
        #expect(message == ["role": "assistant", "content": nil, "refusal": "No."])
    }
}
