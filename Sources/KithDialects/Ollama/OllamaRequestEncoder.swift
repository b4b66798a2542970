// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes a request for an engine that speaks Ollama's API.
package enum OllamaRequestEncoder {
    /// Fields of Ollama's own that a client may have sent.
    private static let passedOn = ["tools", "format", "keep_alive", "think", "truncate", "shift"]
    /// Options that have a model loaded anew for everybody: not for one client to choose.
    private static let ofTheMachine = [
        "num_ctx", "num_batch", "num_gpu", "main_gpu", "low_vram", "use_mmap", "use_mlock", "num_thread", "numa",
    ]
    /// What Ollama has no word for.
    private static let unknown: [AskedField] = [.choices, .logitBias, .audio, .functions, .oneCallAtATime]

    package static func path(for request: ChatRequest) -> String {
        switch request.kind {
        case .chat: "/api/chat"
        case .completion: "/api/generate"
        }
    }

    /// - Parameters:
    ///   - model: Ollama's own name for the model.
    ///   - thinks: Whether the model can think: Ollama refuses to tell others how much they should.
    ///   - context: Tokens that Ollama is to hold; `nil` leaves it to the client and to Ollama.
    /// - Throws: `ChatError` with `unsupported` for what Ollama's API cannot express.
    package static func body(
        for request: ChatRequest, model: ModelID, thinks: Bool = false, context: Int? = nil
    ) throws -> [UInt8] {
        try request.refuse(unknown, for: "Ollama")
        var body: JSONObject = ["model": .string(model.rawValue)]
        switch request.kind {
        case .chat: body["messages"] = .array(try OllamaMessages.encode(request.messages))
        case .completion:
            body["prompt"] = .string(try request.onlyPrompt(for: "Ollama"))
            body["raw"] = true
            // It has them in another form than clients of plain completions read.
            try request.refuseLogProbabilities(for: "Ollama, for plain completions,")
        }
        if request.wantsLogProbabilities {
            body["logprobs"] = true
            body["top_logprobs"] = request.extensions["top_logprobs"]
        }
        for name in passedOn { body[name] = request.extensions[name] }
        if AskedField.logprobs.isAsked(by: request) {
            body["logprobs"] = true
            body["top_logprobs"] = request.extensions["top_logprobs"]
        }
        switch request.extensions["tool_choice"] {
        case nil, .null, "auto": break
        case "none": body["tools"] = nil
        default:
            throw ChatError(.unsupported, "Ollama's models choose tools themselves", field: "tool_choice")
        }
        if thinks, body["think"] == nil {
            body["think"] = think(request.extensions["reasoning_effort"]?.stringValue, model)
        }
        if let format = try format(request.extensions["response_format"]) { body["format"] = format }
        var options = request.extensions["options"]?.objectValue ?? [:]
        for name in ofTheMachine { options[name] = nil }
        options.merge(self.options(request.sampling)) { $1 }
        if let topK = request.extensions["top_k"], !topK.isNull { options["top_k"] = topK }
        if let context { options["num_ctx"] = .integer(Int64(context)) }
        // Otherwise it shortens what is too long, before and during the answer, and says nothing of it.
        if body["truncate"] == nil { body["truncate"] = false }
        if body["shift"] == nil { body["shift"] = false }
        if !options.isEmpty { body["options"] = .object(options) }
        body["stream"] = .bool(request.streams)
        return body.jsonBytes
    }

    /// OpenAI's `reasoning_effort`; only gpt-oss knows levels, and it cannot be kept from thinking.
    private static func think(_ effort: String?, _ model: ModelID) -> JSONValue? {
        let hasLevels = model.rawValue.contains("gpt-oss")
        switch effort {
        case nil: return nil
        case "none", "minimal": return hasLevels ? "low" : false
        case "low", "medium": return hasLevels ? effort.map { .string($0) } : true
        default: return hasLevels ? "high" : true
        }
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
            throw ChatError(.unsupported, "Ollama cannot be told this response_format", field: "response_format")
        }
    }
}

extension ChatRequest {
    /// The text of a completion's prompt.
    ///
    /// - Throws: `ChatError` with `unsupported` for a prompt of tokens, or of several texts.
    func onlyPrompt(for engine: String) throws(ChatError) -> String {
        guard case .text(let text)? = messages.last?.content else {
            throw ChatError(.unsupported, "\(engine) takes one text as its prompt", field: "prompt")
        }
        return text
    }
}

/// Messages as Ollama takes them: text in one string, images beside it, tool arguments as objects.
enum OllamaMessages {
    /// - Throws: `ChatError` with `unsupported` for parts that are neither text nor an included image.
    static func encode(_ messages: [ChatMessage]) throws -> [JSONValue] {
        var toolNames: [String: String] = [:]
        return try messages.map { message in
            for call in message.toolCalls?.arrayValue ?? [] {
                guard let id = call["id"]?.stringValue else { continue }
                toolNames[id] = call["function"]?["name"]?.stringValue
            }
            return try encode(message, toolNames: toolNames)
        }
    }

    private static func encode(_ message: ChatMessage, toolNames: [String: String]) throws -> JSONValue {
        var text = message.content.text
        if text.isEmpty, let refusal = message.extra["refusal"]?.stringValue { text = refusal }
        var fields: JSONObject = ["role": .string(role(message.role)), "content": .string(text)]
        if message.role == .assistant { fields["thinking"] = message.reasoning.map { .string($0) } }
        if case .parts(let parts) = message.content {
            let images = try parts.compactMap(image)
            if !images.isEmpty { fields["images"] = .array(images) }
        }
        if let calls = message.toolCalls?.arrayValue { fields["tool_calls"] = .array(calls.map(call)) }
        let toolName = message.toolCallID.flatMap { toolNames[$0] } ?? message.name
        if message.role == .tool || message.role == .function {
            fields["tool_name"] = toolName.map { .string($0) }
            fields["tool_call_id"] = message.toolCallID.map { .string($0) }
        }
        return .object(fields)
    }

    private static func role(_ role: ChatMessage.Role) -> String {
        switch role {
        case .system, .developer: "system"
        case .user: "user"
        case .assistant: "assistant"
        case .tool, .function: "tool"
        }
    }

    private static func image(_ part: JSONValue) throws -> JSONValue? {
        switch part["type"]?.stringValue {
        case "text", "refusal", nil: return nil
        case "image_url":
            let url = part["image_url"]?["url"]?.stringValue ?? part["image_url"]?.stringValue ?? ""
            if let image = InlineImage(dataURL: url) { return .string(image.base64) }
            throw ChatError(
                .unsupported, "Ollama takes images sent as base64 data only, and fetches none", field: "messages")
        default:
            throw ChatError(
                .unsupported, "Ollama takes text and images sent as base64 data only", field: "messages")
        }
    }

    private static func call(_ call: JSONValue) -> JSONValue {
        let function = call["function"]
        let arguments = function?["arguments"]
        var called: JSONObject = [:]
        called["id"] = call["id"]
        called["function"] = [
            "name": function?["name"] ?? "",
            "arguments": arguments?.stringValue.flatMap(JSONValue.init(json:)) ?? arguments ?? [:],
        ]
        return .object(called)
    }
}

/// An image inside a `data:` URL (RFC 2397) in base64.
struct InlineImage: Hashable, Sendable {
    var mediaType: String
    var base64: String

    /// - Returns: `nil` when `dataURL` is something else.
    init?(dataURL: String) {
        guard dataURL.hasPrefix("data:"), let mark = dataURL.firstRange(of: ";base64,") else { return nil }
        mediaType = String(dataURL[dataURL.index(dataURL.startIndex, offsetBy: 5)..<mark.lowerBound])
        base64 = String(dataURL[mark.upperBound...])
    }
}
