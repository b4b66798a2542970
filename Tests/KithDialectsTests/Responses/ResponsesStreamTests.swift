// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithDialects

@Suite("A stream in the Responses dialect")
struct ResponsesStreamTests {
    private static let usage = TokenUsage(
        promptTokens: 9, completionTokens: 4,
        details: [
            "prompt_tokens_details": ["cached_tokens": 5], "completion_tokens_details": ["reasoning_tokens": 2],
        ])

    private func encoder(_ more: String = "") throws -> ResponsesStreamEncoder {
        let body = #"""
            {"input":"x","model":"m","tools":[{"type":"function","name":"add"},{"type":"custom","name":"patch"},
             {"type":"namespace","name":"agents","tools":[{"type":"function","name":"spawn"}]}]\#(more)}
            """#
        let request = try ResponsesRequest.read(Array(body.utf8), id: RequestID(rawValue: "1f"))
        return ResponsesStreamEncoder(header: try request.prepared(createdAt: 7).header)
    }

    private func events(_ bytes: [UInt8]) throws -> [JSONValue] {
        var decoder = ServerSentEventDecoder()
        return try decoder.feed(bytes).map { event in
            let data = try JSONValue(parsing: event.data.utf8)
            #expect(event.name == data["type"]?.stringValue)
            return data
        }
    }

    private func events(
        _ deltas: [ChatDelta], _ finish: FinishReason? = .stop, _ more: String = ""
    ) throws -> [JSONValue] {
        var encoder = try encoder(more)
        var bytes: [UInt8] = []
        for delta in deltas { encoder.append(delta, to: &bytes) }
        if let finish {
            let ending = encoder.end(finish, Self.usage, to: &bytes)
            encoder.append(ending, to: &bytes)
        }
        return try events(bytes)
    }

    private func types(_ events: [JSONValue]) -> [String] {
        events.map { String(($0["type"]?.stringValue ?? "").trimmingPrefix("response.")) }
    }

    private func call(_ index: Int, _ name: String?, _ arguments: String) -> ChatDelta {
        var function: JSONObject = ["arguments": .string(arguments)]
        function["name"] = name.map { .string($0) }
        var call: JSONObject = ["index": .integer(Int64(index)), "function": .object(function)]
        if name != nil { call["id"] = .string("c\(index)") }
        return ChatDelta(toolCalls: .array([.object(call)]))
    }

    @Test("Thoughts, text and calls are items one after the other, each added, filled and done, all numbered")
    func shape() throws {
        let events = try events(
            [
                ChatDelta(reasoning: "hm"), ChatDelta(text: "one "), ChatDelta(text: "two\u{2028}"),
                call(0, "add", ""), call(0, nil, #"{"x":"#), call(0, nil, "1}"), call(1, "spawn", ""),
            ], .toolCalls)
        #expect(events.map { $0["sequence_number"]?.intValue } == Array(0..<events.count))
        #expect(
            types(events) == [
                "created", "in_progress",
                "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
                "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
                "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
                "output_text.done", "content_part.done", "output_item.done",
                "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta",
                "function_call_arguments.done", "output_item.done",
                "output_item.added", "function_call_arguments.done", "output_item.done", "completed",
            ])
        #expect(events[0]["response"]?["status"] == "in_progress" && events[0]["response"]?["output"] == [])
        #expect(
            events[10] == [
                "type": "response.output_text.delta", "sequence_number": 10, "item_id": "msg_1f_1", "output_index": 1,
                "content_index": 0, "delta": "one ", "logprobs": [],
            ])
        #expect(
            events[19]["item"] == [
                "id": "fc_1f_2", "type": "function_call", "status": "completed", "call_id": "c0", "name": "add",
                "arguments": #"{"x":1}"#,
            ])
        #expect(events[22]["item"]?["namespace"] == "agents" && events[22]["item"]?["arguments"] == "{}")
        let response = try #require(events.last?["response"])
        #expect(response["id"] == "resp_1f" && response["status"] == "completed" && response["created_at"] == 7)
        #expect(
            response["output"]?.arrayValue
                == events.filter { $0["type"] == "response.output_item.done" }.compactMap { $0["item"] })
        #expect(
            response["output"]?.arrayValue?[1] == [
                "id": "msg_1f_1", "type": "message", "status": "completed", "role": "assistant",
                "content": [["type": "output_text", "text": "one two\u{2028}", "annotations": [], "logprobs": []]],
            ])
        #expect(
            response["usage"] == [
                "input_tokens": 9, "input_tokens_details": ["cached_tokens": 5, "cache_write_tokens": 0],
                "output_tokens": 4, "output_tokens_details": ["reasoning_tokens": 2], "total_tokens": 13,
            ])
    }

    @Test("A custom tool gets its text, which is told when the call is whole")
    func custom() throws {
        let pieces = [call(0, "patch", #"{"inp"#), call(0, nil, #"ut":"*** \"a\"\n"}"#)]
        let events = try events(pieces, .toolCalls)
        #expect(
            types(events).dropFirst(2) == [
                "output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done",
                "output_item.done", "completed",
            ])
        #expect(events[2]["item"]?["input"] == "")
        #expect(events[3]["delta"] == "*** \"a\"\n" && events[4]["input"] == "*** \"a\"\n")
        #expect(
            events[5]["item"] == [
                "id": "ctc_1f_0", "type": "custom_tool_call", "status": "completed", "call_id": "c0",
                "name": "patch", "input": "*** \"a\"\n",
            ])
        let plain = try self.events([call(0, "patch", "*** as it is")], .toolCalls)
        #expect(plain[4]["input"] == "*** as it is")
    }

    @Test("Calls whose pieces are mixed are told apart, and none is done before it is whole")
    func mixed() throws {
        let events = try events([call(0, "add", "{"), call(1, "spawn", "{"), call(0, nil, "}"), call(1, nil, "}")])
        let output = try #require(events.last?["response"]?["output"]?.arrayValue)
        #expect(output.map { $0["arguments"] } == ["{}", "{}"])
        #expect(output.map { $0["name"] } == ["add", "spawn"])
        #expect(events.last?["type"] == "response.completed")
    }

    @Test("A call whose arguments are no object is never done, whatever the engine calls its end")
    func brokenCall() throws {
        for arguments in [#"{"cmd":"rm -rf /tmp/a"#, "12", "[1]"] {
            let events = try events([call(0, "add", arguments)], .toolCalls)
            #expect(events.last?["type"] == "response.failed", "\(arguments)")
            #expect(!types(events).contains("output_item.done"))
        }
    }

    @Test("A refusal is a part of its own, and ends the text before it")
    func refusal() throws {
        let events = try events([ChatDelta(text: "Well"), ChatDelta(refusal: "No."), ChatDelta(refusal: " Sorry.")])
        #expect(
            types(events).dropFirst(3) == [
                "content_part.added", "output_text.delta", "output_text.done", "content_part.done",
                "content_part.added", "refusal.delta", "refusal.delta", "refusal.done", "content_part.done",
                "output_item.done", "completed",
            ])
        let content = events.last?["response"]?["output"]?.arrayValue?.first?["content"]
        #expect(content?.arrayValue?.last == ["type": "refusal", "refusal": "No. Sorry."])
        #expect(events[8]["content_index"] == 1)
    }

    @Test("Who asks for sealed thoughts gets them back with the next turn")
    func sealed() throws {
        let more = #","include":["reasoning.encrypted_content"]"#
        let item = try #require(
            try events([ChatDelta(reasoning: "Grüße"), ChatDelta(text: "x")], .stop, more)
                .first { $0["type"] == "response.output_item.done" }?["item"])
        #expect(item["summary"] == [["type": "summary_text", "text": "Grüße"]])
        var members = try #require(item.objectValue)
        members["summary"] = []
        #expect(ResponsesReasoning.thoughts(try RequestFields(.object(members), at: "")) == "Grüße")
        let open = try events([ChatDelta(reasoning: "Grüße")]).first { $0["type"] == "response.output_item.done" }
        #expect(open?["item"]?["encrypted_content"] == nil)
    }

    /// The thoughts of a message that is made of the items of an answer, and the answer's first item.
    private func comeBack(_ deltas: [ChatDelta], _ more: String) throws -> (message: ChatMessage?, item: JSONValue?) {
        let output = try events(deltas, .stop, more).last?["response"]?["output"]?.arrayValue ?? []
        let next = try ResponsesRequest.read(Array(#"{"input":"go on"}"#.utf8)).prepared(after: output, createdAt: 7)
        return (next.chat.messages.first, output.first)
    }

    @Test(
        "Signed thoughts come back whole to who asks for them, and from an answer that is kept",
        arguments: [
            (#","store":false,"include":["reasoning.encrypted_content"]"#, true), ("", true),
            (#","store":false"#, false),
        ])
    func signed(more: String, areKept: Bool) throws {
        let block: JSONValue = ["type": "thinking", "thinking": "hm", "signature": "s"]
        let (message, item) = try comeBack(
            [ChatDelta(reasoning: "hm"), ChatDelta(extra: ["thinking_blocks": [block]]), ChatDelta(text: "x")], more)
        #expect(message?.extra["thinking_blocks"] == (areKept ? [block] : nil))
        #expect(message?.reasoning == "hm" && message?.content == .text("x"))
        #expect(item?["summary"] == [["type": "summary_text", "text": "hm"]])
    }

    @Test("Thoughts that nobody may read are an item without a summary, for those to whom they come back")
    func hidden() throws {
        let block: JSONValue = ["type": "redacted_thinking", "data": "d"]
        let deltas = [ChatDelta(extra: ["thinking_blocks": [block]]), ChatDelta(text: "x")]
        let (message, item) = try comeBack(deltas, "")
        #expect(message?.extra["thinking_blocks"] == [block] && message?.reasoning == nil)
        #expect(item?["type"] == "reasoning" && item?["summary"] == [])
        let types = types(try events(deltas))
        #expect(types[2...4] == ["output_item.added", "output_item.done", "output_item.added"])
        #expect(try comeBack(deltas, #","store":false"#).item?["type"] == "message")
    }

    @Test(
        "An answer that ends at a limit is incomplete, its text too, and a call that was cut is never done",
        arguments: [(FinishReason.length, "max_output_tokens"), (.contentFilter, "content_filter")])
    func incomplete(finish: FinishReason, reason: String) throws {
        let text = try events([ChatDelta(text: "x")], finish)
        #expect(text.last?["type"] == "response.incomplete")
        #expect(text.last?["response"]?["incomplete_details"]?["reason"]?.stringValue == reason)
        #expect(text.last?["response"]?["output"]?.arrayValue?.first?["status"] == "incomplete")
        let cut = try events([call(0, "add", "{}"), call(1, "add", #"{"x":"#)], finish)
        #expect(cut.last?["response"]?["output"]?.arrayValue?.count == 1)
        #expect(types(cut).count { $0 == "output_item.done" } == 1)
    }

    @Test("What breaks off has failed, with what is whole of it, and nothing of the rest is done")
    func broken() throws {
        var encoder = try encoder()
        var bytes: [UInt8] = []
        for delta in [ChatDelta(text: "x"), call(0, "add", "{}"), call(1, "add", #"{"x""#)] {
            encoder.append(delta, to: &bytes)
        }
        encoder.append(failure: ResponsesFailure(status: 502, message: "gone", isTooLong: false), to: &bytes)
        let events = try events(bytes)
        #expect(types(events).count { $0 == "output_item.done" } == 2)
        #expect(events.last?["type"] == "response.failed")
        #expect(events.last?["sequence_number"]?.intValue == events.count - 1)
        let response = try #require(events.last?["response"])
        #expect(response["status"] == "failed")
        #expect(response["error"] == ["code": "server_error", "message": "gone"])
        #expect(response["output"]?.arrayValue?.map { $0["type"] } == ["message", "function_call"])
    }

    @Test("A failure before anything else has its beginning too")
    func failedAtOnce() throws {
        var bytes: [UInt8] = []
        try encoder().append(
            failure: ResponsesFailure(status: 422, message: "long", isTooLong: true), to: &bytes)
        let events = try events(bytes)
        #expect(types(events) == ["created", "in_progress", "failed"])
        #expect(events.last?["response"]?["error"]?["code"] == "context_length_exceeded")
    }

    @Test(
        "An end that nobody knows, and calls that cannot be told, are failures",
        arguments: [0, 1, 2, 3])
    func untellable(kind: Int) throws {
        let events =
            switch kind {
            case 0: try events([ChatDelta(text: "x")], FinishReason(rawValue: "abort"))
            case 1: try events([call(0, nil, "{}")], .toolCalls)
            case 2: try events([call(0, "patch", #"{"input":"#)], .toolCalls)
            default: try events([call(0, "add", "{}"), ChatDelta(text: "x"), call(0, nil, "{}")], .toolCalls)
            }
        #expect(events.last?["type"] == "response.failed")
        #expect(events.last?["response"]?["error"]?["code"] == "server_error")
    }

    @Test("Silence is an event that says little, and a change of nodes stands in one")
    func signs() throws {
        var encoder = try encoder()
        var bytes: [UInt8] = []
        encoder.appendSign(to: &bytes)
        encoder.appendSign(to: &bytes)
        encoder.append(
            OpenAIContinuation(
                node: try #require(NodeName("desk")), model: "m", afterTokens: 3, reason: .interrupted), to: &bytes)
        let events = try events(bytes)
        #expect(types(events) == ["created", "in_progress", "in_progress", "in_progress"])
        #expect(events[1]["response"]?["tools"]?.arrayValue?.count == 3)
        #expect(events[2]["response"]?["tools"] == [] && events[2]["response"]?["id"] == "resp_1f")
        #expect(events[3]["x_kith"]?["continued"]?["node"] == "desk")
    }

    @Test("Log probabilities go with their text")
    func logprobs() throws {
        let one: JSONValue = ["token": "x", "logprob": -1, "bytes": [120], "top_logprobs": []]
        let events = try events([ChatDelta(text: "x", choiceExtra: ["logprobs": ["content": [one]]])])
        #expect(events[4]["logprobs"] == [one] && events[5]["logprobs"] == [one])
    }

    @Test("An answer without a word is whole all the same")
    func silent() throws {
        #expect(types(try events([ChatDelta]())) == ["created", "in_progress", "completed"])
    }

    @Test(
        "The code of a failure says whether to ask again",
        arguments: [
            (429, "rate_limit_exceeded"), (503, "rate_limit_exceeded"), (400, "invalid_prompt"),
            (422, "invalid_prompt"), (404, "invalid_prompt"), (502, "server_error"), (504, "server_error"),
        ])
    func codes(status: Int, code: String) {
        #expect(ResponsesFailure(status: status, message: "", isTooLong: false).code == code)
    }
}
