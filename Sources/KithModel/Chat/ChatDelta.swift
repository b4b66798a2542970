// SPDX-License-Identifier: Apache-2.0

/// One piece of an answer; at least one field is set.
package struct ChatDelta: Hashable, Sendable {
    package var text: String
    /// Thoughts that some models give apart from the answer.
    package var reasoning: String?
    /// Why the model does not answer, in its own words.
    package var refusal: String?
    /// Tool calls in OpenAI's streaming form, each with its `index`.
    package var toolCalls: JSONValue?
    /// What else the engine said in this piece: `annotations`, `audio`, `function_call`.
    package var extra: JSONObject
    /// What it said of the choice beside the piece: `logprobs`.
    package var choiceExtra: JSONObject

    package init(
        text: String = "", reasoning: String? = nil, refusal: String? = nil, toolCalls: JSONValue? = nil,
        extra: JSONObject = [:], choiceExtra: JSONObject = [:]
    ) {
        self.text = text
        self.reasoning = reasoning
        self.refusal = refusal
        self.toolCalls = toolCalls
        self.extra = extra
        self.choiceExtra = choiceExtra
    }

    /// Whether it holds text and nothing else.
    package var isOnlyText: Bool {
        reasoning == nil && refusal == nil && toolCalls == nil && extra.isEmpty && choiceExtra.isEmpty
    }

    package var isEmpty: Bool {
        text.isEmpty && reasoning == nil && refusal == nil && toolCalls == nil && extra.isEmpty && choiceExtra.isEmpty
    }
}

extension ChatDelta: Codable {
    private enum CodingKeys: String, CodingKey { case text, reasoning, refusal, toolCalls, extra, choiceExtra }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        text = try container.decode(String.self, forKey: .text)
        reasoning = try container.decodeIfPresent(String.self, forKey: .reasoning)
        refusal = try container.decodeIfPresent(String.self, forKey: .refusal)
        toolCalls = try container.decodeIfPresent(JSONValue.self, forKey: .toolCalls)
        extra = try container.decodeIfPresent(JSONObject.self, forKey: .extra) ?? [:]
        choiceExtra = try container.decodeIfPresent(JSONObject.self, forKey: .choiceExtra) ?? [:]
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(text, forKey: .text)
        try container.encodeIfPresent(reasoning, forKey: .reasoning)
        try container.encodeIfPresent(refusal, forKey: .refusal)
        try container.encodeIfPresent(toolCalls, forKey: .toolCalls)
        if !extra.isEmpty { try container.encode(extra, forKey: .extra) }
        if !choiceExtra.isEmpty { try container.encode(choiceExtra, forKey: .choiceExtra) }
    }
}
