// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Testing

@Suite("How much a model of Anthropic's is to think")
struct AnthropicThinkingTests {
    private func encoded(
        _ extensions: JSONObject, model: ModelID, limit: Int? = nil, messages: [ChatMessage] = []
    ) throws -> JSONValue {
        let request = ChatRequest(
            messages: [ChatMessage(.user, "hi")] + messages, sampling: SamplingOptions(maxTokens: limit),
            extensions: extensions)
        return try JSONValue(parsing: AnthropicRequestEncoder.body(for: request, model: model, defaultLimit: 500))
    }

    @Test(
        arguments: [
            "claude-sonnet-4-5-20250929", "claude-3-7-sonnet-latest", "claude-opus-4-20250514", "claude-haiku-4-5",
            "qwen3:8b", "gpt-oss",
        ] as [ModelID])
    func `older models and other servers are given a budget beside the limit of the answer`(model: ModelID) throws {
        let body = try encoded(["reasoning_effort": "low"], model: model)
        #expect(body["thinking"] == ["type": "enabled", "budget_tokens": 2_048])
        #expect(body["max_tokens"] == 2_548)
        #expect(body["output_config"] == nil)
    }

    @Test(
        arguments: [
            "claude-opus-4-6", "claude-sonnet-5", "claude-opus-5-5", "claude-fable-5", "claude-next",
        ] as [ModelID])
    func `newer models decide themselves, by an effort`(model: ModelID) throws {
        let body = try encoded(["reasoning_effort": "xhigh"], model: model)
        #expect(body["thinking"] == ["type": "adaptive"])
        #expect(body["output_config"] == ["effort": "high"])
        #expect(body["max_tokens"] == 500)
    }

    @Test(arguments: [(50_000, 16_384), (8_000, 4_000), (1_500, 1_024), (1_024, nil)] as [(Int, Int?)])
    func `thoughts take at most half of the client's limit, and none where there is no room`(
        limit: Int, budget: Int?
    ) throws {
        let body = try encoded(["reasoning_effort": "high"], model: "claude-sonnet-4-5", limit: limit)
        #expect(body["thinking"]?["budget_tokens"]?.intValue == budget)
        #expect(body["max_tokens"]?.intValue == limit)
    }

    @Test
    func `nothing is said where nothing is asked`() throws {
        #expect(try encoded([:], model: "claude-opus-4-6")["thinking"] == nil)
        #expect(try encoded(["reasoning_effort": "none"], model: "claude-opus-4-6")["thinking"] == nil)
    }

    @Test
    func `a client of Anthropic's is passed on in its words, but for what only betas know`() throws {
        let own: JSONObject = [
            "thinking": ["type": "adaptive", "display": "updates"], "output_config": ["effort": "max"],
            "reasoning_effort": "high",
        ]
        let body = try encoded(own, model: "claude-sonnet-4-5")
        #expect(body["thinking"] == ["type": "adaptive"])
        #expect(body["output_config"] == ["effort": "max"])
    }

    @Test
    func `a model that cannot see its thoughts again goes on without a budget for them`() throws {
        let call: JSONValue = [["id": "a", "type": "function", "function": ["name": "f", "arguments": "{}"]]]
        func thinking(_ extra: JSONObject) throws -> JSONValue? {
            let messages = [
                ChatMessage(role: .assistant, content: .none, toolCalls: call, extra: extra),
                ChatMessage(role: .tool, content: .text("1"), toolCallID: "a"),
            ]
            return try encoded(
                ["thinking": ["type": "enabled", "budget_tokens": 2_000]], model: "claude-sonnet-4-5", limit: 9_000,
                messages: messages)["thinking"]
        }
        #expect(try thinking(["reasoning_content": "hm"]) == nil)
        #expect(try thinking(["thinking_blocks": [["type": "redacted_thinking", "data": "x"]]]) != nil)
    }

    @Test
    func `only older models that do not think go on with a beginning of their answer`() {
        func takes(_ model: ModelID?, _ extensions: JSONObject = [:]) -> Bool {
            AnthropicRequestEncoder.takesBeginning(
                ChatRequest(messages: [ChatMessage(.user, "hi")], extensions: extensions), model: model)
        }
        #expect(takes("claude-sonnet-4-5"))
        #expect(!takes("claude-sonnet-4-5", ["reasoning_effort": "high"]))
        #expect(!takes("claude-opus-4-6"))
        #expect(!takes(nil))
    }
}
