// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes a request for an engine that speaks Ollama's API.
package enum OllamaRequestEncoder {
    /// Fields of Ollama's own that a client may have sent.
    private static let passedOn = ["tools", "format", "keep_alive", "think"]

    package static func path(for request: ChatRequest) -> String {
        switch request.kind {
        case .chat: "/api/chat"
        case .completion: "/api/generate"
        }
    }

    /// - Parameter model: Ollama's own name for the model.
    /// - Throws: ``ChatFailure`` with `unsupported` for what Ollama cannot be told.
    package static func body(for request: ChatRequest, model: ModelID) throws -> [UInt8] {
        var body: [String: JSONValue] = ["model": .string(model.rawValue), "stream": true]
        for name in passedOn { body[name] = request.extensions[name] }
        if let format = try format(request.extensions["response_format"]) { body["format"] = format }
        var options: [String: JSONValue] = [:]
        if case .object(let given) = request.extensions["options"] { options = given }
        options.merge(self.options(request.sampling)) { $1 }
        if !options.isEmpty { body["options"] = .object(options) }
        switch request.kind {
        case .chat: body["messages"] = .array(try OllamaMessages.encode(request.messages))
        case .completion:
            body["prompt"] = .string(request.messages.last?.content.text ?? "")
            body["raw"] = true
        }
        return try JSONBody.encode(body)
    }

    private static func options(_ sampling: SamplingOptions) -> [String: JSONValue] {
        var options: [String: JSONValue] = [:]
        options["num_predict"] = sampling.maxTokens.map { .integer(Int64($0)) }
        options["temperature"] = sampling.temperature.map { .number($0) }
        options["top_p"] = sampling.topP.map { .number($0) }
        options["seed"] = sampling.seed.map { .integer($0) }
        options["frequency_penalty"] = sampling.frequencyPenalty.map { .number($0) }
        options["presence_penalty"] = sampling.presencePenalty.map { .number($0) }
        if !sampling.stop.isEmpty { options["stop"] = .array(sampling.stop.map { .string($0) }) }
        return options
    }

    /// OpenAI's `response_format` in Ollama's words: `"json"`, or a JSON schema.
    private static func format(_ format: JSONValue?) throws -> JSONValue? {
        switch format?["type"]?.stringValue {
        case nil, "text": return nil
        case "json_object": return "json"
        case "json_schema":
            if let schema = format?["json_schema"]?["schema"] { return schema }
            fallthrough
        default:
            throw ChatFailure(.unsupported, "Ollama cannot be told this response_format", field: "response_format")
        }
    }
}
