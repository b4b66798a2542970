// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes a request for an engine that speaks OpenAI's API.
package enum OpenAIRequestEncoder {
    /// The path below `/v1` to which the body belongs.
    package static func path(for request: ChatRequest) -> String {
        switch request.kind {
        case .chat: "/chat/completions"
        case .completion: "/completions"
        }
    }

    /// - Parameter model: The engine's own name for the model.
    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package static func body(for request: ChatRequest, model: ModelID) throws -> [UInt8] {
        var body = request.extensions
        body["model"] = .string(model.rawValue)
        switch request.kind {
        case .chat: body["messages"] = .array(request.messages.map(message))
        case .completion: body["prompt"] = .string(request.messages.last?.content.text ?? "")
        }
        let sampling = request.sampling
        body["max_tokens"] = sampling.maxTokens.map { .integer(Int64($0)) }
        body["temperature"] = sampling.temperature.map { .number($0) }
        body["top_p"] = sampling.topP.map { .number($0) }
        body["seed"] = sampling.seed.map { .integer($0) }
        body["frequency_penalty"] = sampling.frequencyPenalty.map { .number($0) }
        body["presence_penalty"] = sampling.presencePenalty.map { .number($0) }
        if !sampling.stop.isEmpty { body["stop"] = .array(sampling.stop.map { .string($0) }) }
        if request.streams {
            body["stream"] = true
            body["stream_options"] = ["include_usage": true]
        }
        return try JSONBody.encode(body)
    }

    private static func message(_ message: ChatMessage) -> JSONValue {
        var fields: [String: JSONValue] = ["role": .string(message.role.rawValue)]
        switch message.content {
        case .none: fields["content"] = .null
        case .text(let text): fields["content"] = .string(text)
        case .parts(let parts): fields["content"] = .array(parts)
        }
        fields["name"] = message.name.map { .string($0) }
        fields["tool_calls"] = message.toolCalls
        fields["tool_call_id"] = message.toolCallID.map { .string($0) }
        return .object(fields)
    }
}
