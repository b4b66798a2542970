// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("A stream in Anthropic's dialect")
struct AnthropicMessagesStreamTests {
    private static let usage = TokenUsage(promptTokens: 3, completionTokens: 2)

    private func encoder(showsThoughts: Bool = true) -> AnthropicStreamEncoder {
        AnthropicStreamEncoder(
            header: AnthropicAnswerHeader(
                id: "msg_1", model: "m", showsThoughts: showsThoughts, stops: ["END"], estimatedPromptTokens: 7))
    }

    private func bytes(
        _ deltas: [ChatDelta], _ finish: FinishReason? = .stop, showsThoughts: Bool = true
    ) -> [UInt8] {
        var encoder = encoder(showsThoughts: showsThoughts)
        var bytes: [UInt8] = []
        for delta in deltas { encoder.append(delta, to: &bytes) }
        if let finish { encoder.append(end: finish, Self.usage, to: &bytes) }
        return bytes
    }

    private func events(_ bytes: [UInt8]) throws -> [(name: String?, data: JSONValue)] {
        var decoder = ServerSentEventDecoder()
        return try decoder.feed(bytes).map { ($0.name, try JSONValue(parsing: $0.data.utf8)) }
    }

    private func call(_ index: Int, _ name: String?, _ arguments: String) -> ChatDelta {
        var function: JSONObject = ["arguments": .string(arguments)]
        function["name"] = name.map { .string($0) }
        var call: JSONObject = ["index": .integer(Int64(index)), "function": .object(function)]
        if name != nil { call["id"] = .string("c\(index)") }
        return ChatDelta(toolCalls: .array([.object(call)]))
    }

    @Test("Each event is named, and blocks come one after the other from 0")
    func shape() throws {
        let events = try events(
            bytes(
                [
                    ChatDelta(reasoning: "hm"), ChatDelta(text: "one "), ChatDelta(text: "two"),
                    call(0, "add", ""), call(0, nil, #"{"x":"#), call(0, nil, "1}"), call(1, "now", ""),
                ], .toolCalls))
        #expect(events.allSatisfy { $0.name == $0.data["type"]?.stringValue })
        #expect(
            events.map { $0.name ?? "" } == [
                "message_start", "content_block_start", "content_block_delta", "content_block_delta",
                "content_block_stop", "content_block_start", "content_block_delta", "content_block_delta",
                "content_block_stop", "content_block_start", "content_block_delta", "content_block_delta",
                "content_block_stop", "content_block_start", "content_block_stop", "message_delta", "message_stop",
            ])
        #expect(
            events[0].data["message"] == [
                "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
                "stop_reason": nil, "stop_sequence": nil,
                "usage": [
                    "input_tokens": 7, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                    "output_tokens": 0,
                ],
            ])
        #expect(
            events[1].data
                == [
                    "type": "content_block_start", "index": 0,
                    "content_block": ["type": "thinking", "thinking": "", "signature": ""],
                ])
        #expect(events[3].data["delta"] == ["type": "signature_delta", "signature": "kith"])
        #expect(
            events[9].data["content_block"]
                == ["type": "tool_use", "id": "c0", "name": "add", "input": [:]])
        #expect(events[10].data["delta"] == ["type": "input_json_delta", "partial_json": #"{"x":"#])
        #expect(events.compactMap { $0.data["index"]?.intValue }.max() == 3)
        #expect(events[15].data["delta"] == ["stop_reason": "tool_use", "stop_sequence": nil])
        #expect(events[15].data["usage"]?["input_tokens"] == 3)
        #expect(events[15].data["usage"]?["output_tokens"] == 2)
    }

    @Test("What is written is read again as it was")
    func roundTrip() throws {
        let deltas = [
            ChatDelta(reasoning: "so \u{2028}"), ChatDelta(text: "Grüße \"\n\u{85}"), ChatDelta(text: "!"),
            call(0, "add", #"{"x":1}"#),
        ]
        let bytes = bytes(deltas, .toolCalls)
        #expect(
            !String(decoding: bytes, as: UTF8.self).unicodeScalars.contains { ["\u{2028}", "\u{85}"].contains($0) })
        var decoder = AnthropicStreamDecoder()
        var heard: [ChatEvent] = []
        try decoder.feed(bytes, into: &heard)
        var said = DeltaJoiner(limit: 10_000)
        for event in heard { if case .delta(let delta) = event { _ = said.add(delta) } }
        #expect(said.joined.text == "Grüße \"\n\u{85}!")
        #expect(said.joined.reasoning == "so \u{2028}")
        #expect(
            said.joined.toolCalls
                == [["id": "c0", "type": "function", "function": ["name": "add", "arguments": #"{"x":1}"#]]])
        #expect(heard.last == .finished(.toolCalls, Self.usage))
    }

    @Test("Who did not ask for thoughts gets none, and nothing is said before the text")
    func withoutThoughts() throws {
        #expect(bytes([ChatDelta(reasoning: "hm")], nil, showsThoughts: false).isEmpty)
        let events = try events(bytes([ChatDelta(reasoning: "hm"), ChatDelta(text: "x")], showsThoughts: false))
        #expect(events.compactMap { $0.data["content_block"]?["type"]?.stringValue } == ["text"])
    }

    @Test("An answer without a word is whole all the same")
    func silent() throws {
        #expect(try events(bytes([])).map { $0.name } == ["message_start", "message_delta", "message_stop"])
    }

    @Test("The text at which the answer ended is told where the engine tells it")
    func stopSequence() throws {
        let events = try events(
            bytes([ChatDelta(text: "x"), ChatDelta(choiceExtra: ["stop_reason": "END"])]))
        #expect(
            events.first { $0.name == "message_delta" }?.data["delta"]
                == ["stop_reason": "stop_sequence", "stop_sequence": "END"])
    }

    @Test(
        "Calls that cannot be told end in an error, never in an end that looks whole",
        arguments: [
            [(0, nil, "{}")], [(0, "add", "{"), (1, "sub", "{}")], [(0, "add", "[]")],
            [(0, "add", "{}"), (1, "sub", "{}"), (0, nil, "{}")], [(0, "add", "{}x")],
        ] as [[(Int, String?, String)]])
    func untellable(pieces: [(Int, String?, String)]) throws {
        let events = try events(bytes(pieces.map { call($0.0, $0.1, $0.2) }, .toolCalls))
        #expect(events.last?.name == "error")
        #expect(events.last?.data["error"]?["type"] == "api_error")
        #expect(!events.contains { $0.name == "message_stop" || $0.name == "message_delta" })
    }

    @Test("A failure, a ping and a change of nodes have their own forms")
    func others() throws {
        var bytes: [UInt8] = []
        var encoder = encoder()
        encoder.append(ChatDelta(text: "x"), to: &bytes)
        bytes = []
        encoder.append(failure: AnthropicErrorBody(status: 503, message: "a\u{2028}\n"), to: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"a\\u2028\\n\"}}\n\n"
        )
        #expect(
            String(decoding: AnthropicStreamEncoder.ping, as: UTF8.self)
                == "event: ping\ndata: {\"type\":\"ping\"}\n\n")
        bytes = []
        let name = try #require(NodeName("den"))
        encoder.append(
            OpenAIContinuation(node: name, model: "m", afterTokens: 3, reason: .interrupted), to: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == ": x_kith {\"continued\":{\"node\":\"den\",\"model\":\"m\",\"after_tokens\":3,\"reason\":\"interrupted\"}}\n\n"
        )
    }
}
