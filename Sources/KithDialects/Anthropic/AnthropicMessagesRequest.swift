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
        let fields = try RequestFields(body: bytes)
        guard let limit = try fields.integer("max_tokens") else { throw ChatError.missing("max_tokens") }
        guard limit >= 1 else {
            throw ChatError(.invalidRequest, "'max_tokens' must be at least 1", field: "max_tokens")
        }
        return AnthropicMessagesRequest(chat: try chat(fields, limit: limit), wantsThoughts: try wantsThoughts(fields))
    }

    /// As ``read(_:)``, of what is only to be counted, which has no `max_tokens`.
    package static func readToCount(_ bytes: [UInt8]) throws -> AnthropicMessagesRequest {
        let fields = try RequestFields(body: bytes)
        return AnthropicMessagesRequest(
            chat: try chat(fields, limit: try fields.integer("max_tokens")), wantsThoughts: try wantsThoughts(fields))
    }

    private static func chat(_ fields: RequestFields, limit: Int?) throws -> ChatRequest {
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
            extensions: try extensions(fields, turns.toolChanges),
            streams: try fields.bool("stream") ?? false, includesUsage: true)
    }

    private static func stops(_ fields: RequestFields) throws -> [String] {
        try (fields.list("stop_sequences") ?? []).enumerated().compactMap { place, value -> String? in
            guard case .string(let text) = value else {
                throw ChatError.wrongType("stop_sequences.\(place)", "a string")
            }
            return text.isEmpty ? nil : text
        }
    }

    /// What engines are told in OpenAI's words.
    private static func extensions(_ fields: RequestFields, _ changes: AnthropicToolChanges) throws -> JSONObject {
        var extensions: JSONObject = [:]
        extensions["top_k"] = try fields.integer("top_k").map { .integer(Int64($0)) }
        let tools = try AnthropicTools.offered(fields, changes)
        let choice = try AnthropicTools.choice(fields, among: tools)
        if !tools.isEmpty {
            extensions["tools"] = .array(tools)
            extensions["tool_choice"] = choice.tool
            if choice.isOneAtATime { extensions["parallel_tool_calls"] = false }
        }
        let output = try fields.object("output_config")
        // For an engine of Anthropic's dialect, in the client's own words.
        extensions["thinking"] = fields.value("thinking")
        if let effort = try output?.text("effort") { extensions["output_config"] = ["effort": .string(effort)] }
        extensions["reasoning_effort"] = try effort(output, fields.object("thinking")).map { .string($0) }
        let format = try output?.object("format") ?? fields.object("output_format")
        extensions["response_format"] = try format.map(responseFormat)
        return extensions
    }

    /// In OpenAI's words, whose scale is from `none` to `high`; `nil` where the model is to decide.
    ///
    /// - Parameters:
    ///   - output: May name the effort.
    ///   - thinking: May have a budget, which says the same less exactly.
    private static func effort(_ output: RequestFields?, _ thinking: RequestFields?) throws -> String? {
        let type = try thinking?.requiredText("type")
        if type == "disabled" { return "none" }
        switch try output?.text("effort") {
        case "low"?: return "low"
        case "medium"?: return "medium"
        case "high"?, "xhigh"?, "max"?: return "high"
        default: break  // also for words to come: the model does without
        }
        guard type == "enabled", let budget = try thinking?.integer("budget_tokens") else { return nil }
        switch budget {
        case ..<4_096: return "low"
        case ..<16_384: return "medium"
        default: return "high"
        }
    }

    private static func responseFormat(_ format: RequestFields) throws -> JSONValue {
        guard try format.requiredText("type") == "json_schema" else {
            throw ChatError(
                .unsupported, "answers are given as text, or by a 'json_schema'", field: format.name("type"))
        }
        guard let schema = format.value("schema") else { throw ChatError.missing(format.name("schema")) }
        return ["type": "json_schema", "json_schema": ["name": "answer", "schema": schema, "strict": true]]
    }

    private static func wantsThoughts(_ fields: RequestFields) throws -> Bool {
        guard let thinking = try fields.object("thinking") else { return false }
        let type = try thinking.requiredText("type")
        let display = try thinking.text("display")
        return ["enabled", "adaptive", "between_tools"].contains(type) && display != "omitted"
    }
}
