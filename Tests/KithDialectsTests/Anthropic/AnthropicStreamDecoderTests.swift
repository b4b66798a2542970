// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("Anthropic's stream")
struct AnthropicStreamDecoderTests {
    private func events(_ datas: [String]) throws -> [ChatEvent] {
        var decoder = AnthropicStreamDecoder()
        return try datas.flatMap { try decoder.take(ServerSentEvent(data: $0)) } + (try decoder.end())
    }

    private static let start =
        #"{"type":"message_start","message":{"usage":{"input_tokens":20,"cache_read_input_tokens":5,"output_tokens":1}}}"#

    private static let usage = TokenUsage(
        promptTokens: 25, completionTokens: 9, details: ["prompt_tokens_details": ["cached_tokens": 5]])

    private static func end(_ reason: String) -> [String] {
        [
            #"{"type":"message_delta","delta":{"stop_reason":"\#(reason)"},"usage":{"output_tokens":9}}"#,
            #"{"type":"message_stop"}"#,
        ]
    }

    @Test("Gives text and thoughts, and counts cached tokens too")
    func text() throws {
        let datas =
            [
                Self.start,
                #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
                #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
                #"{"type":"ping"}"#, #"{"type":"something_new","index":"?"}"#.replacing("\"?\"", with: "1"),
                #"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
                #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"hi"}}"#,
                #"{"type":"content_block_stop","index":1}"#,
            ] + Self.end("end_turn")
        #expect(
            try events(datas) == [
                .delta(ChatDelta(reasoning: "hm")), .delta(ChatDelta(text: "hi")),
                .finished(.stop, Self.usage),
            ])
    }

    @Test("Means the same wherever its bytes are cut")
    func cuts() throws {
        let datas = [
            Self.start, #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße 😀"}}"#,
        ]
        let text = (datas + Self.end("end_turn")).map { "event: x\ndata: \($0)\n\n" }.joined() + ": bye\n"
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var decoder = AnthropicStreamDecoder()
            var events: [ChatEvent] = []
            try decoder.feed(bytes[..<cut], into: &events)
            try decoder.feed(bytes[cut...], into: &events)
            events += try decoder.end()
            #expect(events == [.delta(ChatDelta(text: "Grüße 😀")), .finished(.stop, Self.usage)])
        }
    }

    @Test("Gives tool uses as calls in OpenAI's streaming form")
    func toolUse() throws {
        let datas =
            [
                Self.start,
                #"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t1","name":"add","input":{}}}"#,
                #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}}"#,
                #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":":1}"}}"#,
                #"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t2","name":"sub"}}"#,
            ] + Self.end("tool_use")
        func call(_ fields: JSONValue) -> ChatEvent { .delta(ChatDelta(toolCalls: [fields])) }
        #expect(
            try events(datas) == [
                call([
                    "index": 0, "id": "t1", "type": "function", "function": ["name": "add", "arguments": ""],
                ]),
                call(["index": 0, "function": ["arguments": "{\"a\""]]),
                call(["index": 0, "function": ["arguments": ":1}"]]),
                call([
                    "index": 1, "id": "t2", "type": "function", "function": ["name": "sub", "arguments": ""],
                ]), .finished(.toolCalls, Self.usage),
            ])
    }

    @Test
    func `signed and hidden thoughts follow whole, to go back unchanged`() throws {
        let datas =
            [
                Self.start,
                #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
                #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"h"}}"#,
                #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"m"}}"#,
                #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s1"}}"#,
                #"{"type":"content_block_stop","index":0}"#,
                #"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"zz"}}"#,
                #"{"type":"content_block_stop","index":1}"#,
                #"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":"hi"}}"#,
                #"{"type":"content_block_stop","index":2}"#,
            ] + Self.end("end_turn")
        func kept(_ block: JSONValue) -> ChatEvent { .delta(ChatDelta(extra: ["thinking_blocks": [block]])) }
        #expect(
            try events(datas) == [
                .delta(ChatDelta(reasoning: "h")), .delta(ChatDelta(reasoning: "m")),
                kept(["type": "thinking", "thinking": "hm", "signature": "s1"]),
                kept(["type": "redacted_thinking", "data": "zz"]), .delta(ChatDelta(text: "hi")),
                .finished(.stop, Self.usage),
            ])
    }

    @Test
    func `says at which text it stopped, and what was written to the cache`() throws {
        let datas = [
            #"{"type":"message_start","message":{"usage":{"input_tokens":20,"cache_creation_input_tokens":7}}}"#,
            #"{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":{"output_tokens":9}}"#,
            #"{"type":"message_stop"}"#,
        ]
        #expect(
            try events(datas) == [
                .delta(ChatDelta(choiceExtra: ["matched_stop": "END"])),
                .finished(
                    .stop,
                    TokenUsage(
                        promptTokens: 27, completionTokens: 9, details: ["cache_creation_input_tokens": 7])),
            ])
    }

    @Test(
        "Says why it ended",
        arguments: [
            ("end_turn", FinishReason.stop), ("stop_sequence", .stop), ("max_tokens", .length),
            ("model_context_window_exceeded", .length), ("tool_use", .toolCalls), ("refusal", .contentFilter),
            ("pause_turn", FinishReason(rawValue: "pause_turn")),
        ])
    func reasons(reason: String, finish: FinishReason) throws {
        #expect(
            try events([Self.start] + Self.end(reason)).last
                == .finished(finish, Self.usage))
    }

    @Test(
        "Fails with a reason when it is not a whole answer",
        arguments: [
            ([], ChatError.Code.interrupted), ([start], .interrupted),
            ([start, #"{"type":"message_stop"}"#], .interrupted),
            (["<html>"], .invalidAnswer), (["{}"], .invalidAnswer), (["[DONE]"], .invalidAnswer),
            ([#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#], .overloaded),
            ([#"{"type":"error","error":{"type":"api_error","message":"x"}}"#], .engineError),
            ([#"{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"#], .rateLimited),
            ([#"{"type":"error","error":{"type":"invalid_request_error","message":"x"}}"#], .invalidRequest),
            ([#"{"type":"error","error":{"type":"authentication_error","message":"x"}}"#], .unauthorized),
            ([#"{"type":"error"}"#], .engineError),
        ])
    func failures(datas: [String], code: ChatError.Code) {
        let failure = #expect(throws: ChatError.self) { try events(datas) }
        #expect(failure?.code == code)
    }
}
