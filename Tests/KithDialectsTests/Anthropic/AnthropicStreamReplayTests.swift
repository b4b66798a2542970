// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("A stream in Anthropic's dialect that is cut anywhere")
struct AnthropicStreamReplayTests {
    /// What an engine said, and the blocks that it makes.
    struct Recording: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var deltas: [ChatDelta]
        var finish = FinishReason.toolCalls
        /// The kind of each block, and its text or arguments.
        var blocks: [[String]]
        /// Blocks at the end that are never closed.
        var openBlocks = 0
    }

    static func call(_ index: Int, _ name: String?, _ arguments: String) -> ChatDelta {
        var function: JSONObject = ["arguments": .string(arguments)]
        function["name"] = name.map { .string($0) }
        return ChatDelta(toolCalls: [["index": .integer(Int64(index)), "function": .object(function)]])
    }

    static let recordings = [
        Recording(
            testDescription: "text", deltas: [ChatDelta(text: "one "), ChatDelta(text: "two")], finish: .stop,
            blocks: [["text", "one two"]]),
        Recording(
            testDescription: "thoughts and text",
            deltas: [
                ChatDelta(reasoning: "h"), ChatDelta(reasoning: "m"), ChatDelta(text: "x"), ChatDelta(reasoning: "so"),
            ], finish: .stop, blocks: [["thinking", "hm"], ["text", "x"], ["thinking", "so"]]),
        Recording(
            testDescription: "one call",
            deltas: [ChatDelta(text: "x"), call(0, "add", ""), call(0, nil, #"{"a":"}"#), call(0, nil, #"{"}"#)],
            blocks: [["text", "x"], ["tool_use", #"{"a":"}{"}"#]]),
        Recording(
            testDescription: "two calls, one after the other",
            deltas: [call(0, "add", "{"), call(0, nil, "}"), call(1, "sub", #"{"x":"#), call(1, nil, "1}\n")],
            blocks: [["tool_use", "{}"], ["tool_use", "{\"x\":1}\n"]]),
        Recording(
            testDescription: "two calls whose pieces are mixed",
            deltas: [
                call(0, "add", #"{"x"#), call(1, "sub", #"{"y":"#), call(0, nil, #"":1"#), call(1, nil, "[2]"),
                call(0, nil, "}"), call(1, nil, "}"),
            ], blocks: [["tool_use", #"{"x":1}"#], ["tool_use", #"{"y":[2]}"#]]),
        Recording(
            testDescription: "text and thoughts in the middle of a call, and a call after them",
            deltas: [
                call(0, "add", "{"), ChatDelta(text: "one "), ChatDelta(text: "two"), ChatDelta(reasoning: "hm"),
                call(1, "sub", "{}"), call(0, nil, "}"), ChatDelta(text: "three"),
            ],
            blocks: [
                ["tool_use", "{}"], ["text", "one two"], ["thinking", "hm"], ["tool_use", "{}"], ["text", "three"],
            ]),
        Recording(
            testDescription: "calls without arguments, and pieces without an index",
            deltas: [
                ChatDelta(toolCalls: [["function": ["name": "now"]], ["function": ["name": "add", "arguments": "{"]]]),
                ChatDelta(toolCalls: [["function": ["arguments": "}"]]]),
                ChatDelta(toolCalls: [["function": ["name": "sub", "arguments": ["x": 1]]]]),
            ], blocks: [["tool_use", ""], ["tool_use", "{}"], ["tool_use", #"{"x":1}"#]]),
        Recording(
            testDescription: "a call that is cut at the limit",
            deltas: [ChatDelta(text: "x"), call(0, "add", #"{"x":"#)], finish: .length,
            blocks: [["text", "x"], ["tool_use", #"{"x":"#]], openBlocks: 1),
    ]

    /// What a client that was cut off has.
    private struct Seen {
        var blocks: [[String]] = []
        var closed = 0
        var hasBegun = false
        var isOver = false

        mutating func take(_ bytes: [UInt8]) throws {
            var decoder = ServerSentEventDecoder()
            for event in try decoder.feed(bytes) {
                let data = try JSONValue(parsing: event.data.utf8)
                #expect(event.name == data["type"]?.stringValue)
                try take(event.name ?? "", data)
            }
        }

        private mutating func take(_ name: String, _ data: JSONValue) throws {
            #expect(!isOver)
            let index = data["index"]?.intValue
            switch name {
            case "message_start":
                #expect(!hasBegun)
                hasBegun = true
            case "content_block_start":
                #expect(hasBegun && index == blocks.count && closed == blocks.count)
                blocks.append([try #require(data["content_block"]?["type"]?.stringValue), ""])
            case "content_block_delta":
                #expect(index == blocks.count - 1 && closed == blocks.count - 1)
                let delta = try #require(data["delta"])
                let piece = ["text", "thinking", "partial_json"].lazy.compactMap { delta[$0]?.stringValue }.first
                blocks[blocks.count - 1][1] += piece ?? ""
            case "content_block_stop":
                #expect(index == closed && closed == blocks.count - 1)
                closed += 1
            case "message_delta": #expect(hasBegun)
            case "message_stop", "error": isOver = true
            default: Issue.record("\(name) is no event of this dialect")
            }
        }
    }

    @Test("What was sent is a valid beginning, and no call is closed that is not whole", arguments: recordings)
    func cut(recording: Recording) throws {
        for count in 0...recording.deltas.count {
            var encoder = AnthropicStreamEncoder(header: AnthropicAnswerHeader(id: "msg_1", model: "m"))
            var bytes: [UInt8] = []
            for delta in recording.deltas.prefix(count) { encoder.append(delta, to: &bytes) }
            encoder.append(failure: AnthropicErrorBody(status: 502, message: "lost"), to: &bytes)
            var seen = Seen()
            try seen.take(bytes)
            #expect(seen.isOver)
            for (block, whole) in zip(seen.blocks, recording.blocks) {
                #expect(block[0] == whole[0] && whole[1].hasPrefix(block[1]))
            }
            #expect(seen.blocks.count <= recording.blocks.count)
            for block in seen.blocks.prefix(seen.closed) where block[0] == "tool_use" {
                #expect(JSONValue(json: block[1])?.objectValue != nil)
            }
        }
    }

    @Test("An answer that is not cut has all its blocks", arguments: recordings)
    func whole(recording: Recording) throws {
        var encoder = AnthropicStreamEncoder(header: AnthropicAnswerHeader(id: "msg_1", model: "m"))
        var bytes: [UInt8] = []
        for delta in recording.deltas { encoder.append(delta, to: &bytes) }
        encoder.append(end: recording.finish, TokenUsage(promptTokens: 1, completionTokens: 1), to: &bytes)
        var seen = Seen()
        try seen.take(bytes)
        #expect(seen.blocks == recording.blocks)
        #expect(seen.closed == recording.blocks.count - recording.openBlocks)
        #expect(String(decoding: bytes, as: UTF8.self).contains("event: message_stop"))
    }

    @Test("A signature of the provider closes its thoughts, and encrypted ones are a block of their own")
    func signatures() {
        var encoder = AnthropicStreamEncoder(header: AnthropicAnswerHeader(id: "msg_1", model: "m"))
        var bytes: [UInt8] = []
        encoder.append(ChatDelta(reasoning: "hm"), to: &bytes)
        let signature: JSONValue = [["type": "thinking", "thinking": "", "signature": "theirs"]]
        encoder.append(ChatDelta(extra: ["thinking_blocks": signature]), to: &bytes)
        let redacted: JSONValue = [["type": "redacted_thinking", "data": "zzz"]]
        encoder.append(ChatDelta(extra: ["thinking_blocks": redacted]), to: &bytes)
        encoder.append(ChatDelta(text: "x"), to: &bytes)
        let said = String(decoding: bytes, as: UTF8.self)
        #expect(said.contains(#""signature":"theirs""#) && !said.contains(#""signature":"kith""#))
        #expect(said.contains(#""index":1,"content_block":{"type":"redacted_thinking","data":"zzz"}"#))
        #expect(said.contains(#""index":2,"delta":{"type":"text_delta","text":"x"}"#))
    }
}
