// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes a request for Anthropic's messages API, version 2023-06-01.
///
/// The same conversation makes the same bytes at every turn, up to the marks for the cache, which are not a part of the
/// prompt: so a conversation's beginning is read once.
package enum AnthropicRequestEncoder {
    package static let version = "2023-06-01"
    /// The API has no default of its own; this is the one of `limits.default_max_tokens`.
    package static let defaultMaxTokens = 2_048

    static let engine = "Anthropic's API"
    /// What the API has no word for.
    private static let unknown: [AskedField] = [
        .choices, .seed, .frequencyPenalty, .presencePenalty, .logprobs, .logitBias, .audio, .functions,
    ]

    /// - Parameter defaultLimit: Tokens that are made at most for a request that gives no limit.
    /// - Throws: `ChatError` with `unsupported` and the name of the field for what the API does not offer.
    package static func body(
        for request: ChatRequest, model: ModelID, defaultLimit: Int = defaultMaxTokens
    ) throws(ChatError) -> [UInt8] {
        guard request.kind == .chat else {
            throw ChatError(
                .unsupported, "Anthropic's models answer chats, they do not complete plain text", field: "prompt")
        }
        try request.refuse(unknown, for: engine)
        let thinking = AnthropicThinking(request, model: model, defaultLimit: defaultLimit)
        var prompt = try AnthropicPrompt(request.messages)
        prompt.tools = try AnthropicToolOffer.tools(request.extensions)
        prompt.markForCache()
        var body: JSONObject = [
            "model": .string(model.rawValue), "stream": true, "max_tokens": .integer(Int64(thinking.maxTokens)),
        ]
        if !prompt.tools.isEmpty {
            body["tools"] = .array(prompt.tools)
            body["tool_choice"] = try AnthropicToolOffer.choice(request.extensions)
        }
        if !prompt.system.isEmpty { body["system"] = .array(prompt.system) }
        body["messages"] = .array(prompt.turns)
        body["thinking"] = thinking.switching
        let output = try output(request, effort: thinking.effort)
        if !output.isEmpty { body["output_config"] = .object(output) }
        try add(sampling: request, to: &body)
        return body.jsonBytes
    }

    /// OpenAI's scale of temperatures ends at 2, Anthropic's at 1, and up to there they mean the same; what is higher becomes
    /// 1, as Anthropic does it for OpenAI's clients. 1 is the default, as it is for `top_p`: newer models refuse to be told
    /// both, or any, so a default is not sent.
    private static func add(sampling request: ChatRequest, to body: inout JSONObject) throws(ChatError) {
        let sampling = request.sampling
        if let temperature = sampling.temperature, temperature < 1 { body["temperature"] = .number(temperature) }
        if let share = sampling.topP, share < 1 { body["top_p"] = .number(share) }
        if let count = request.extensions["top_k"]?.intValue, count > 0 { body["top_k"] = .integer(Int64(count)) }
        guard !sampling.stop.isEmpty else { return }
        guard !sampling.stop.contains(where: { $0.allSatisfy(\.isWhitespace) }) else {
            throw ChatError(.unsupported, "\(engine) stops at no text that is only white space", field: "stop")
        }
        body["stop_sequences"] = .array(sampling.stop.map { .string($0) })
    }

    private static func output(_ request: ChatRequest, effort: JSONValue?) throws(ChatError) -> JSONObject {
        var output: JSONObject = [:]
        output["effort"] = effort
        let format = request.extensions["response_format"]
        switch format?["type"]?.stringValue {
        case nil, "text": break
        case "json_schema":
            guard let schema = format?["json_schema"]?["schema"], case .object = schema else {
                throw ChatError(.unsupported, "\(engine) needs the schema of an answer", field: "response_format")
            }
            output["format"] = ["type": "json_schema", "schema": schema]
        default:
            throw ChatError(
                .unsupported, "\(engine) takes a 'json_schema' as response_format, and no other",
                field: "response_format")
        }
        return output
    }
}

extension AnthropicRequestEncoder {
    /// Whether the model goes on with a beginning of its answer: Claude's newer models, and those that think, refuse one.
    package static func takesBeginning(_ request: ChatRequest, model: ModelID?) -> Bool {
        guard let model, AnthropicThinking.takesBudget(model) else { return false }
        return AnthropicThinking(request, model: model, defaultLimit: defaultMaxTokens).switching?["type"] != "enabled"
    }
}
