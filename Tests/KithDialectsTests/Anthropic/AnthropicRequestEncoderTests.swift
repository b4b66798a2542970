// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("A request in Anthropic's words")
struct AnthropicRequestEncoderTests {
    private func encoded(_ request: ChatRequest) throws -> JSONValue {
        try JSONBody.decode(
            JSONValue.self, from: try AnthropicRequestEncoder.body(for: request, model: "claude"))
    }

    @Test("Sets the system prompt apart and always has a token limit")
    func system() throws {
        let body = try encoded(
            ChatRequest(
                messages: [
                    ChatMessage(.system, "Be brief."), ChatMessage(.developer, "Be kind."), ChatMessage(.user, "hi"),
                ],
                sampling: SamplingOptions(temperature: 1.7, topP: 0.5, seed: 1, stop: ["END"])))
        #expect(
            body == [
                "model": "claude", "stream": true, "max_tokens": 1024, "system": "Be brief.\n\nBe kind.",
                "temperature": 1, "top_p": 0.5, "stop_sequences": ["END"],
                "messages": [["role": "user", "content": [["type": "text", "text": "hi"]]]],
            ])
    }

    @Test("Puts the results of parallel calls into one message")
    func toolResults() throws {
        let calls: JSONValue = [
            ["id": "a", "type": "function", "function": ["name": "add", "arguments": "{\"x\":1}"]],
            ["id": "b", "type": "function", "function": ["name": "sub", "arguments": ""]],
        ]
        let body = try encoded(
            ChatRequest(messages: [
                ChatMessage(.user, "go"), ChatMessage(role: .assistant, content: .text("Well."), toolCalls: calls),
                ChatMessage(role: .tool, content: .text("2"), toolCallID: "a"),
                ChatMessage(role: .tool, content: .text("0"), toolCallID: "b"), ChatMessage(.user, "and?"),
            ]))
        #expect(
            body["messages"]?.arrayValue?.dropFirst() == [
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
                        ["type": "tool_result", "tool_use_id": "b", "content": "0"],
                        ["type": "text", "text": "and?"],
                    ],
                ],
            ])
    }

    @Test(
        "Translates tools and the choice among them",
        arguments: [
            ("auto", ["type": "auto"]), ("required", ["type": "any"]), ("none", ["type": "none"]),
            (["type": "function", "function": ["name": "add"]], ["type": "tool", "name": "add"]),
        ] as [(JSONValue, JSONValue)])
    func tools(choice: JSONValue, expected: JSONValue) throws {
        let tool: JSONValue = [
            "type": "function",
            "function": ["name": "add", "description": "adds", "parameters": ["type": "object"]],
        ]
        let body = try encoded(
            ChatRequest(messages: [ChatMessage(.user, "hi")], extensions: ["tools": [tool], "tool_choice": choice]))
        #expect(body["tools"] == [["name": "add", "description": "adds", "input_schema": ["type": "object"]]])
        #expect(body["tool_choice"] == expected)
    }

    @Test("Translates images, sent along or to be fetched")
    func images() throws {
        let body = try encoded(
            ChatRequest(messages: [
                ChatMessage(
                    role: .user,
                    content: .parts([
                        ["type": "image_url", "image_url": ["url": "data:image/png;base64,QUJD"]],
                        ["type": "image_url", "image_url": ["url": "https://example.com/a.png"]],
                    ]))
            ]))
        #expect(
            body["messages"]?.arrayValue?.first?["content"] == [
                ["type": "image", "source": ["type": "base64", "media_type": "image/png", "data": "QUJD"]],
                ["type": "image", "source": ["type": "url", "url": "https://example.com/a.png"]],
            ])
    }

    @Test("Refuses what the API does not offer")
    func refusals() {
        let requests = [
            ChatRequest(kind: .completion, messages: [ChatMessage(.user, "x")]),
            ChatRequest(
                messages: [ChatMessage(.user, "x")], extensions: ["response_format": ["type": "json_object"]]),
            ChatRequest(messages: [ChatMessage(role: .user, content: .parts([["type": "input_audio"]]))]),
        ]
        for request in requests {
            let failure = #expect(throws: ChatError.self) { try encoded(request) }
            #expect(failure?.code == .unsupported)
        }
    }
}
