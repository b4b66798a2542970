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
        try request.refuseSeveralChoices(for: "Ollama")
        var body: JSONObject = ["model": .string(model.rawValue)]
        switch request.kind {
        case .chat: body["messages"] = .array(try OllamaMessages.encode(request.messages))
        case .completion:
            body["prompt"] = .string(try request.onlyPrompt(for: "Ollama"))
            body["raw"] = true
        }
        for name in passedOn { body[name] = request.extensions[name] }
        switch request.extensions["tool_choice"] {
        case nil, .null, "auto": break
        case "none": body["tools"] = nil
        default:
            throw ChatFailure(.unsupported, "Ollama's models choose tools themselves", field: "tool_choice")
        }
        if let format = try format(request.extensions["response_format"]) { body["format"] = format }
        var options = request.extensions["options"]?.objectValue ?? [:]
        options.merge(self.options(request.sampling)) { $1 }
        if !options.isEmpty { body["options"] = .object(options) }
        body["stream"] = .bool(request.streams)
        return body.jsonBytes
    }

    private static func options(_ sampling: SamplingOptions) -> JSONObject {
        var options: JSONObject = [:]
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

extension ChatRequest {
    /// - Throws: ``ChatFailure`` with `unsupported` when more than one answer is wanted.
    func refuseSeveralChoices(for engine: String) throws(ChatFailure) {
        guard (sampling.choices ?? 1) == 1 else {
            throw ChatFailure(.unsupported, "\(engine) gives one answer at a time: 'n' must be 1", field: "n")
        }
    }

    /// The text of a completion's prompt.
    ///
    /// - Throws: ``ChatFailure`` with `unsupported` for a prompt of tokens, or of several texts.
    func onlyPrompt(for engine: String) throws(ChatFailure) -> String {
        guard case .text(let text)? = messages.last?.content else {
            throw ChatFailure(.unsupported, "\(engine) takes one text as its prompt", field: "prompt")
        }
        return text
    }
}
