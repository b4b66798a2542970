// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithDialects

@Suite("A request in the Responses dialect")
struct ResponsesRequestTests {
    private let id = RequestID(rawValue: "1f")

    private func prepared(_ body: String, after history: [JSONValue] = []) throws -> PreparedResponse {
        try ResponsesRequest.read(Array(body.utf8), id: id).prepared(after: history, createdAt: 7)
    }

    private func chat(_ body: String) throws -> ChatRequest { try prepared(body).chat }

    private func messages(_ input: String, _ more: String = "") throws -> [JSONValue] {
        try chat(#"{"input":\#(input)\#(more)}"#).messages.map { .object($0.openAI) }
    }

    private func failure(_ body: String) -> ChatError? {
        do {
            _ = try prepared(body)
            return nil
        } catch {
            return error as? ChatError
        }
    }

    @Test("A text is what the user says, and instructions come before it")
    func text() throws {
        let chat = try chat(#"{"model":"m","input":"hello","instructions":"Be brief.","stream":true}"#)
        #expect(chat.messages == [ChatMessage(.system, "Be brief."), ChatMessage(.user, "hello")])
        #expect(chat.model == "m" && chat.streams && chat.includesUsage && chat.body == nil)
    }

    @Test("Instructions and what developers say first are one system message; what they say later stays where it is")
    func system() throws {
        let input = #"""
            [{"role":"developer","content":[{"type":"input_text","text":"A"},{"type":"input_text","text":"B"}]},
             {"type":"message","role":"system","content":"C"},{"role":"user","content":"x"},
             {"role":"developer","content":"D"}]
            """#
        #expect(
            try messages(input, #","instructions":"I""#) == [
                ["role": "system", "content": "I\n\nA\nB\n\nC"], ["role": "user", "content": "x"],
                ["role": "system", "content": "D"],
            ])
    }

    @Test("What an assistant thought, said and called is one message, and results follow it")
    func assistant() throws {
        let sealed = ResponsesReasoning.sealed("so")
        let input = #"""
            [{"role":"user","content":"go"},
             {"type":"reasoning","id":"rs","summary":[],"content":null,"encrypted_content":"\#(sealed)"},
             {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Well. "},
              {"type":"refusal","refusal":"No."}]},
             {"type":"function_call","call_id":"a","name":"add","arguments":"{\"x\":1}"},
             {"type":"custom_tool_call","call_id":"b","name":"patch","input":"*** \"q\""},
             {"type":"function_call_output","call_id":"b","output":[{"type":"input_text","text":"one"},
              {"type":"input_image","image_url":"data:image/png;base64,AA=="}]},
             {"type":"custom_tool_call_output","call_id":"a","output":"two"},
             {"type":"web_search_call","id":"ws"},
             {"role":"user","content":"and?"}]
            """#
        #expect(
            try messages(input) == [
                ["role": "user", "content": "go"],
                [
                    "role": "assistant", "content": "Well. No.", "reasoning_content": "so",
                    "tool_calls": [
                        ["id": "a", "type": "function", "function": ["name": "add", "arguments": #"{"x":1}"#]],
                        [
                            "id": "b", "type": "function",
                            "function": ["name": "patch", "arguments": #"{"input":"*** \"q\""}"#],
                        ],
                    ],
                ],
                ["role": "tool", "content": "one", "tool_call_id": "b"],
                ["role": "tool", "content": "two", "tool_call_id": "a"],
                [
                    "role": "user",
                    "content": [
                        ["type": "image_url", "image_url": ["url": "data:image/png;base64,AA=="]],
                        ["type": "text", "text": "and?"],
                    ],
                ],
            ])
    }

    @Test(
        "Thoughts that others have sealed are taken from what is open of them, and thoughts before nothing are left out"
    )
    func foreignThoughts() throws {
        let input = #"""
            [{"role":"user","content":"go"},
             {"type":"reasoning","summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"gAAAA"},
             {"role":"assistant","content":"ok"},{"role":"user","content":"x"},
             {"type":"reasoning","summary":[{"type":"summary_text","text":"lost"}]}]
            """#
        let messages = try messages(input)
        #expect(messages.count == 3)
        #expect(messages[1]["reasoning_content"] == "s")
    }

    @Test("Pictures are taken by url and as base64; what cannot be taken is refused in words, with its field")
    func parts() throws {
        let picture = #"{"type":"input_image","image_url":"https://x/y.png","detail":"low"}"#
        #expect(
            try messages(#"[{"role":"user","content":[{"type":"input_text","text":"see"},\#(picture)]}]"#) == [
                [
                    "role": "user",
                    "content": [
                        ["type": "text", "text": "see"],
                        ["type": "image_url", "image_url": ["url": "https://x/y.png", "detail": "low"]],
                    ],
                ]
            ])
        for part in ["input_file\",\"file_id\":\"f", "input_image\",\"file_id\":\"f", "input_smell"] {
            let failure = failure(#"{"input":[{"role":"user","content":[{"type":"\#(part)"}]}]}"#)
            #expect(failure?.code == .unsupported)
            #expect(failure?.field?.hasPrefix("input.0.content.0") == true)
        }
    }

    @Test("Options reach engines in their own words, and what they do not know stays here")
    func options() throws {
        let chat = try chat(
            #"""
            {"input":"x","max_output_tokens":9,"temperature":0.5,"top_p":0.9,"frequency_penalty":1,"presence_penalty":-1,
             "reasoning":{"effort":"xhigh","summary":"auto"},
             "text":{"verbosity":"low","format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}},
             "store":false,"include":["reasoning.encrypted_content","message.output_text.logprobs"],"top_logprobs":2,
             "client_metadata":{"a":"b"},"prompt_cache_key":"k","truncation":"auto","service_tier":"auto","unheard_of":1}
            """#)
        #expect(
            chat.sampling
                == SamplingOptions(
                    maxTokens: 9, temperature: 0.5, topP: 0.9, frequencyPenalty: 1, presencePenalty: -1))
        #expect(
            chat.extensions == [
                "reasoning_effort": "high", "logprobs": true, "top_logprobs": 2,
                "response_format": [
                    "type": "json_schema",
                    "json_schema": ["name": "n", "schema": ["type": "object"], "strict": true],
                ],
            ])
        #expect(try self.chat(#"{"input":"x","text":{"format":{"type":"text"}}}"#).extensions == [:])
        #expect(
            try self.chat(#"{"input":"x","text":{"format":{"type":"json_object"}}}"#).extensions
                == ["response_format": ["type": "json_object"]])
    }

    @Test("What came before is read first, whole, and the items of a request have ids")
    func history() throws {
        let first = try prepared(#"{"input":"one"}"#)
        #expect(
            first.items == [
                [
                    "id": "msg_in_1f_0", "type": "message", "status": "completed", "role": "user",
                    "content": [["type": "input_text", "text": "one"]],
                ]
            ])
        let answer: JSONValue = [
            "id": "msg_1f_0", "type": "message", "role": "assistant",
            "content": [["type": "output_text", "text": "two"]],
        ]
        let next = try prepared(
            #"{"input":[{"role":"user","content":"three"}],"previous_response_id":"resp_1f"}"#,
            after: first.items + [answer])
        #expect(next.chat.messages.map(\.content.text) == ["one", "two", "three"])
        #expect(next.items.count == 3)
    }

    @Test("A reference stands for an item that is here; another is the client's mistake")
    func references() throws {
        let body = #"{"input":[{"type":"item_reference","id":"msg_9"},{"role":"user","content":"x"}]}"#
        let request = try ResponsesRequest.read(Array(body.utf8))
        #expect(request.references == ["msg_9"])
        let item: JSONValue = ["type": "message", "id": "msg_9", "role": "assistant", "content": "said"]
        let prepared = try request.prepared(referenced: ["msg_9": item], createdAt: 1)
        #expect(prepared.chat.messages.map(\.content.text) == ["said", "x"])
        #expect(throws: ChatError.self) { try request.prepared(createdAt: 1) }
    }

    @Test(
        "What is wrong is refused with its field",
        arguments: [
            ("{", nil, ChatError.Code.malformedRequest), ("[]", nil, .malformedRequest),
            ("{}", "input", .malformedRequest), (#"{"input":[]}"#, "input", .malformedRequest),
            (#"{"input":3}"#, "input", .invalidRequest), (#"{"input":[3]}"#, "input.0", .invalidRequest),
            (#"{"input":[{"content":"x"}]}"#, "input.0.type", .malformedRequest),
            (#"{"input":[{"role":"wizard","content":"x"}]}"#, "input.0.role", .invalidRequest),
            (#"{"input":[{"type":"function_call","name":"f"}]}"#, "input.0.call_id", .malformedRequest),
            (#"{"input":"x","temperature":"hot"}"#, "temperature", .invalidRequest),
            (#"{"input":"x","max_output_tokens":0}"#, "max_output_tokens", .invalidRequest),
            (#"{"input":"x","top_logprobs":21}"#, "top_logprobs", .invalidRequest),
            (#"{"input":"x","background":true}"#, "background", .unsupported),
            (#"{"input":"x","conversation":"c"}"#, "conversation", .unsupported),
            (#"{"input":"x","prompt":{"id":"p"}}"#, "prompt", .unsupported),
            (#"{"input":"x","metadata":[]}"#, "metadata", .invalidRequest),
            (#"{"input":"x","text":{"format":{"type":"json_schema"}}}"#, "text.format.schema", .malformedRequest),
        ] as [(String, String?, ChatError.Code)])
    func refused(body: String, field: String?, code: ChatError.Code) {
        let failure = failure(body)
        #expect(failure?.code == code)
        #expect(failure?.field == field)
    }
}
