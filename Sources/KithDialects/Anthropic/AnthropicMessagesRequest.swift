// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The body of `POST /v1/messages` and of `POST /v1/messages/count_tokens`, as the request that it stands for.
///
/// Engines get a translation, never the client's own words. What does not change the answer of a model here is ignored:
/// `cache_control`, `metadata`, `context_management`, betas, and fields that are unknown.
package struct AnthropicMessagesRequest: Sendable {
    package var chat: ChatRequest
    /// Whether the client wants to see what the model thinks; others expect text as the first block.
    package var wantsThoughts: Bool

    /// - Throws: `ChatError` with `malformedRequest` for what is not JSON or lacks a field, `invalidRequest` for a field of
    ///   the wrong type, and `unsupported` for content that cannot be translated; the message names the field.
    package static func read(_ bytes: [UInt8]) throws -> AnthropicMessagesRequest {
        let fields = try AnthropicFields(body: bytes)
        guard let limit = try fields.integer("max_tokens") else { throw ChatError.missing("max_tokens") }
        guard limit >= 1 else {
            throw ChatError(.invalidRequest, "'max_tokens' must be at least 1", field: "max_tokens")
        }
        return AnthropicMessagesRequest(chat: try chat(fields, limit: limit), wantsThoughts: wantsThoughts(fields))
    }

    /// As ``read(_:)``, of what is only to be counted, which has no `max_tokens`.
    package static func readToCount(_ bytes: [UInt8]) throws -> AnthropicMessagesRequest {
        let fields = try AnthropicFields(body: bytes)
        return AnthropicMessagesRequest(
            chat: try chat(fields, limit: try fields.integer("max_tokens")), wantsThoughts: wantsThoughts(fields))
    }

    private static func chat(_ fields: AnthropicFields, limit: Int?) throws -> ChatRequest {
        guard let list = try fields.objects("messages") else { throw ChatError.missing("messages") }
        guard !list.isEmpty else {
            throw ChatError(.malformedRequest, "'messages' must hold at least one message", field: "messages")
        }
        let turns = try AnthropicTurns(list)
        var sampling = SamplingOptions(
            maxTokens: limit, temperature: try fields.number("temperature"), topP: try fields.number("top_p"))
        sampling.stop = try stops(fields)
        return ChatRequest(
            model: try OpenAIModelName.id(try fields.text("model")),
            messages: try AnthropicTurns.system(fields) + turns.messages, sampling: sampling,
            extensions: try extensions(fields, loadedTools: turns.loadedTools),
            streams: try fields.bool("stream") ?? false, includesUsage: true)
    }

    private static func stops(_ fields: AnthropicFields) throws -> [String] {
        try (fields.list("stop_sequences") ?? []).enumerated().compactMap { place, value -> String? in
            guard case .string(let text) = value else {
                throw ChatError.wrongType("stop_sequences.\(place)", "a string")
            }
            return text.isEmpty ? nil : text
        }
    }

    /// What engines are told in OpenAI's words.
    private static func extensions(_ fields: AnthropicFields, loadedTools: Set<String>) throws -> JSONObject {
        var extensions: JSONObject = [:]
        extensions["top_k"] = try fields.integer("top_k").map { .integer(Int64($0)) }
        let tools = try AnthropicTools.offered(fields, loaded: loadedTools)
        if !tools.isEmpty {
            extensions["tools"] = .array(tools)
            let choice = try AnthropicTools.choice(fields)
            extensions["tool_choice"] = choice.tool
            if choice.isOneAtATime { extensions["parallel_tool_calls"] = false }
        }
        let output = fields.value("output_config")
        extensions["reasoning_effort"] = effort(output?["effort"]?.stringValue).map { .string($0) }
        extensions["response_format"] = responseFormat(output?["format"] ?? fields.value("output_format"))
        return extensions
    }

    /// In OpenAI's words, whose scale ends at `high`; `nil` for a word that is unknown.
    private static func effort(_ word: String?) -> String? {
        switch word {
        case "low", "medium", "high": word
        case "xhigh", "max": "high"
        default: nil
        }
    }

    private static func responseFormat(_ format: JSONValue?) -> JSONValue? {
        guard format?["type"] == "json_schema", let schema = format?["schema"] else { return nil }
        return ["type": "json_schema", "json_schema": ["name": "answer", "schema": schema, "strict": true]]
    }

    private static func wantsThoughts(_ fields: AnthropicFields) -> Bool {
        let thinking = fields.value("thinking")
        let type = thinking?["type"]?.stringValue
        return (type == "enabled" || type == "adaptive") && thinking?["display"] != "omitted"
    }
}

/// The tools of a request in Anthropic's dialect, in OpenAI's form.
enum AnthropicTools {
    /// The tools that an engine can be told of: those that the client runs itself, in their order.
    ///
    /// - Parameter loaded: Deferred tools that the conversation has brought in by now; others stay hidden.
    static func offered(_ fields: AnthropicFields, loaded: Set<String>) throws -> [JSONValue] {
        try (fields.objects("tools") ?? []).compactMap { tool -> JSONValue? in
            // Tools with another type are run by Anthropic's own servers, or are known to its models by name.
            guard ["custom", nil].contains(try tool.text("type")) else { return nil }
            let name = try tool.requiredText("name")
            guard try tool.bool("defer_loading") != true || loaded.contains(name) else { return nil }
            var function: JSONObject = ["name": .string(name)]
            function["description"] = try tool.text("description").map { .string($0) }
            function["parameters"] = tool.value("input_schema") ?? ["type": "object", "properties": [:]]
            if try tool.bool("strict") == true { function["strict"] = true }
            return ["type": "function", "function": .object(function)]
        }
    }

    static func choice(_ fields: AnthropicFields) throws -> (tool: JSONValue?, isOneAtATime: Bool) {
        guard let choice = try fields.object("tool_choice") else { return (nil, false) }
        let isOneAtATime = try choice.bool("disable_parallel_tool_use") ?? false
        switch try choice.requiredText("type") {
        case "auto": return ("auto", isOneAtATime)
        case "any": return ("required", isOneAtATime)
        case "none": return ("none", false)
        case "tool":
            let name = try choice.requiredText("name")
            return (["type": "function", "function": ["name": .string(name)]], isOneAtATime)
        default: throw ChatError.unusable("tool_choice.type")
        }
    }
}
