// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("A request in Anthropic's words")
struct AnthropicRequestEncoderTests {
    private static let mark: JSONValue = ["type": "ephemeral"]

    private func encoded(_ request: ChatRequest, model: ModelID = "claude") throws -> JSONValue {
        try JSONValue(parsing: AnthropicRequestEncoder.body(for: request, model: model, defaultLimit: 500))
    }

    private func turns(_ messages: [ChatMessage]) throws -> [JSONValue] {
        try encoded(ChatRequest(messages: messages))["messages"]?.arrayValue ?? []
    }

    @Test
    func `the system prompt stands apart, and there is always a token limit`() throws {
        let body = try encoded(
            ChatRequest(
                messages: [
                    ChatMessage(.system, "Be brief."), ChatMessage(.developer, "Be kind."), ChatMessage(.user, "hi"),
                ],
                sampling: SamplingOptions(temperature: 0.25, topP: 0.5, stop: ["END"]), extensions: ["top_k": 7]))
        #expect(
            body == [
                "model": "claude", "stream": true, "max_tokens": 500, "temperature": 0.25, "top_p": 0.5, "top_k": 7,
                "stop_sequences": ["END"],
                "system": [
                    ["type": "text", "text": "Be brief."],
                    ["type": "text", "text": "Be kind.", "cache_control": Self.mark],
                ],
                "messages": [
                    ["role": "user", "content": [["type": "text", "text": "hi", "cache_control": Self.mark]]]
                ],
            ])
    }

    @Test
    func `a temperature over Anthropic's highest is the highest, and defaults are not sent`() throws {
        for temperature in [1, 1.7] {
            let body = try encoded(
                ChatRequest(
                    messages: [ChatMessage(.user, "hi")], sampling: SamplingOptions(temperature: temperature, topP: 1),
                    extensions: ["top_k": 0]))
            #expect(body["temperature"] == nil && body["top_p"] == nil && body["top_k"] == nil)
        }
    }

    @Test
    func `a later system message is marked text of the user, in its place`() throws {
        let turns = try turns([
            ChatMessage(.user, "a"), ChatMessage(.system, "b"), ChatMessage(.assistant, "c"), ChatMessage(.user, "d"),
        ])
        #expect(turns.map { $0["role"] } == ["user", "assistant", "user"])
        #expect(
            turns.first?["content"]
                == [["type": "text", "text": "a"], ["type": "text", "text": "<system>\nb\n</system>"]])
    }

    @Test
    func `the results of parallel calls come first in one message`() throws {
        let calls: JSONValue = [
            ["id": "a", "type": "function", "function": ["name": "add", "arguments": "{\"x\":1}"]],
            ["id": "b", "type": "function", "function": ["name": "sub", "arguments": ""]],
        ]
        let turns = try turns([
            ChatMessage(.user, "go"), ChatMessage(role: .assistant, content: .text("Well."), toolCalls: calls),
            ChatMessage(.system, "Hurry."), ChatMessage(role: .tool, content: .text("2"), toolCallID: "a"),
            ChatMessage(
                role: .tool,
                content: .parts([
                    ["type": "text", "text": "no"], ["type": "image_url", "image_url": ["url": "https://x/y.png"]],
                ]), toolCallID: "b", extra: ["is_error": true]), ChatMessage(.user, "and?"),
        ])
        #expect(
            turns.dropFirst() == [
                [
                    "role": "assistant",
                    "content": [
                        ["type": "text", "text": "Well."],
                        ["type": "tool_use", "id": "a", "name": "add", "input": ["x": 1]],
                        ["type": "tool_use", "id": "b", "name": "sub", "input": [:]],
                    ],
                ],
                [
                    "role": "user",
                    "content": [
                        ["type": "tool_result", "tool_use_id": "a", "content": "2"],
                        [
                            "type": "tool_result", "tool_use_id": "b",
                            "content": [
                                ["type": "text", "text": "no"],
                                ["type": "image", "source": ["type": "url", "url": "https://x/y.png"]],
                            ], "is_error": true,
                        ],
                        ["type": "text", "text": "<system>\nHurry.\n</system>"],
                        ["type": "text", "text": "and?", "cache_control": Self.mark],
                    ],
                ],
            ])
    }

    @Test(
        arguments: [
            ("auto", nil), ("required", ["type": "any"]), ("none", ["type": "none"]),
            (["type": "function", "function": ["name": "add"]], ["type": "tool", "name": "add"]),
        ] as [(JSONValue, JSONValue?)])
    func `tools and the choice among them are translated`(choice: JSONValue, expected: JSONValue?) throws {
        let tool: JSONValue = [
            "type": "function",
            "function": ["name": "add", "description": "adds", "parameters": ["type": "object"], "strict": true],
        ]
        let request = ChatRequest(
            messages: [ChatMessage(.user, "hi")], extensions: ["tools": [tool], "tool_choice": choice])
        let body = try encoded(request)
        #expect(
            body["tools"] == [
                [
                    "name": "add", "description": "adds", "input_schema": ["type": "object"], "strict": true,
                    "cache_control": Self.mark,
                ]
            ])
        #expect(body["tool_choice"] == expected)
        var alone = request
        alone.extensions["parallel_tool_calls"] = false
        let isOne = try encoded(alone)["tool_choice"]?["disable_parallel_tool_use"]
        #expect(isOne == (choice == "none" ? nil : true))
    }

    @Test
    func `pictures are sent along or fetched, and empty text is not sent`() throws {
        let parts: [JSONValue] = [
            ["type": "text", "text": " "], ["type": "image_url", "image_url": ["url": "data:image/png;base64,QUJD"]],
            ["type": "image_url", "image_url": ["url": "https://example.com/a.png"]],
            ["type": "text", "text": "see"],
        ]
        let turns = try turns([
            ChatMessage(role: .user, content: .parts(parts)), ChatMessage(role: .assistant, content: .text("")),
            ChatMessage(.user, "well?"),
        ])
        #expect(
            turns == [
                [
                    "role": "user",
                    "content": [
                        ["type": "image", "source": ["type": "base64", "media_type": "image/png", "data": "QUJD"]],
                        ["type": "image", "source": ["type": "url", "url": "https://example.com/a.png"]],
                        ["type": "text", "text": "see"],
                        ["type": "text", "text": "well?", "cache_control": Self.mark],
                    ],
                ]
            ])
    }

    @Test
    func `a conversation's beginning is the same at every turn but for the marks`() throws {
        var messages = [ChatMessage(.system, "s"), ChatMessage(.user, "one")]
        let before = try turns(messages)
        messages += [ChatMessage(.assistant, "1"), ChatMessage(.user, "two")]
        let after = try turns(messages)
        #expect(after.first?["content"] == [["type": "text", "text": "one"]])
        #expect(before.first?["content"] == [["type": "text", "text": "one", "cache_control": Self.mark]])
        #expect(after.count(where: { $0.jsonText?.contains("cache_control") == true }) == 1)
    }

    @Test
    func `a schema for the answer is told, and thoughts go back with their signatures`() throws {
        let thought: JSONValue = ["type": "thinking", "thinking": "hm", "signature": "s"]
        let body = try encoded(
            ChatRequest(
                messages: [
                    ChatMessage(.user, "a"),
                    ChatMessage(
                        role: .assistant, content: .text("b"),
                        extra: ["thinking_blocks": [thought], "reasoning_content": "hm"]), ChatMessage(.user, "c"),
                ],
                extensions: [
                    "response_format": ["type": "json_schema", "json_schema": ["schema": ["type": "object"]]]
                ]))
        #expect(body["output_config"] == ["format": ["type": "json_schema", "schema": ["type": "object"]]])
        #expect(body["messages"]?.arrayValue?[1]["content"] == [thought, ["type": "text", "text": "b"]])
    }

    @Test(
        arguments: [
            (["n": 2], "n"), (["seed": 1], "seed"), (["frequency_penalty": 0.5], "frequency_penalty"),
            (["presence_penalty": -1], "presence_penalty"), (["logprobs": true], "logprobs"),
            (["logit_bias": ["5": 1]], "logit_bias"), (["modalities": ["audio"]], "modalities"),
            (["functions": [["name": "f"]]], "functions"), (["tools": [["type": "web_search"]]], "tools"),
            (
                [
                    "tools": [["type": "function", "function": ["name": "f"]]],
                    "tool_choice": ["type": "allowed_tools"],
                ], "tool_choice"
            ),
            (["response_format": ["type": "json_object"]], "response_format"),
            (["response_format": ["type": "json_schema"]], "response_format"), (["stop": ["\n"]], "stop"),
            (["messages": [["role": "user", "content": [["type": "input_audio"]]]]], "messages"),
        ] as [(JSONObject, String)])
    func `what the API does not offer is refused by name`(members: JSONObject, field: String) throws {
        var body: JSONObject = ["messages": [["role": "user", "content": "hi"]]]
        body.merge(members) { $1 }
        let request = try OpenAIChatRequest.read(body.jsonBytes)
        let failure = #expect(throws: ChatError.self) { try encoded(request) }
        #expect(failure?.code == .unsupported)
        #expect(failure?.field == field)
    }

    @Test
    func `plain text is not completed`() {
        let failure = #expect(throws: ChatError.self) {
            try encoded(ChatRequest(kind: .completion, messages: [ChatMessage(.user, "x")]))
        }
        #expect(failure?.code == .unsupported)
    }
}
