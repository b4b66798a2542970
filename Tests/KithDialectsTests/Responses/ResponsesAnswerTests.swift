// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithDialects

@Suite("A plain answer in the Responses dialect")
struct ResponsesAnswerTests {
    private let usage = TokenUsage(promptTokens: 0, completionTokens: 1)

    private func header(_ more: String = "") throws -> ResponsesHeader {
        let body = #"{"input":"12345678"\#(more)}"#
        return try ResponsesRequest.read(Array(body.utf8), id: RequestID(rawValue: "1f")).prepared(createdAt: 7).header
    }

    @Test("It is what a stream ends with")
    func plain() throws {
        let message = ChatDelta(
            text: "Well.", reasoning: "hm",
            toolCalls: [["id": "c", "type": "function", "function": ["name": "add", "arguments": "{\"x\":1}"]]])
        let ending = try ResponsesAnswer.ending(
            header: try header(), message: message, finish: .toolCalls, usage: usage)
        #expect(ending.output.map { $0["type"] } == ["reasoning", "message", "function_call"])
        #expect(ending.response["status"] == "completed" && ending.response["object"] == "response")
        #expect(ending.response["usage"]?["input_tokens"] == 6, "an estimate, where the engine counts nothing")
    }

    @Test("What a request said of itself is said again")
    func echo() throws {
        let response = try header(
            #"""
            ,"metadata":{"a":"b"},"user":"u","prompt_cache_key":"k","safety_identifier":"s","instructions":"I",
            "temperature":0.5,"max_output_tokens":9,"reasoning":{"effort":"low"},"text":{"verbosity":"low"},
            "previous_response_id":"resp_0","store":false,"parallel_tool_calls":false,"service_tier":"flex"
            """#
        ).response("completed")
        let expected: JSONObject = [
            "metadata": ["a": "b"], "user": "u", "prompt_cache_key": "k", "safety_identifier": "s",
            "instructions": "I", "temperature": 0.5, "max_output_tokens": 9,
            "reasoning": ["effort": "low", "summary": nil], "text": ["format": ["type": "text"], "verbosity": "low"],
            "previous_response_id": "resp_0", "store": false, "parallel_tool_calls": false, "service_tier": "default",
            "tool_choice": "auto", "tools": [], "truncation": "disabled", "background": false,
        ]
        for (name, value) in expected { #expect(response[name] == value, "\(name)") }
        #expect(try header().response("completed")["store"] == true)
    }

    @Test("One that cannot be told is the engine's mistake")
    func broken() throws {
        let call: JSONValue = [["id": "c", "type": "function", "function": ["arguments": "{}"]]]
        let header = try header()
        let failure = #expect(throws: ChatError.self) {
            try ResponsesAnswer.ending(
                header: header, message: ChatDelta(toolCalls: call), finish: .toolCalls, usage: usage)
        }
        #expect(failure?.code == .invalidAnswer)
    }

    @Test("One that is not kept after all says so")
    func notStored() throws {
        var ending = try ResponsesAnswer.ending(
            header: try header(), message: ChatDelta(text: "x"), finish: .stop, usage: usage)
        #expect(ending.response["store"] == true)
        ending.isNotStored()
        #expect(ending.response["store"] == false)
    }
}
