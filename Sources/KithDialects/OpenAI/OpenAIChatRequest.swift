// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The body of `POST /v1/chat/completions`.
///
/// Fields that this node does not act on are kept in ``extensions`` and passed on to engines of the same dialect.
package struct OpenAIChatRequest: Decodable, Sendable {
    package var model: String?
    package var messages: [ChatMessage]
    package var options: OpenAIRequestOptions

    init(model: String?, messages: [ChatMessage], options: OpenAIRequestOptions) {
        self.model = model
        self.messages = messages
        self.options = options
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: OpenAIKey.self)
        model = try container.decodeIfPresent(String.self, forKey: .model)
        messages = try container.decode([OpenAIMessage].self, forKey: .messages).map(\.message)
        options = try OpenAIRequestOptions(from: container)
    }

    /// - Throws: ``ChatFailure`` naming the field that is out of range.
    package func chatRequest(verbatim: [UInt8]? = nil) throws -> ChatRequest {
        guard !messages.isEmpty else {
            throw ChatFailure(.malformedRequest, "'messages' must hold at least one message", field: "messages")
        }
        return ChatRequest(
            kind: .chat, model: try OpenAIRequestOptions.modelID(model), messages: messages,
            sampling: try options.sampling(), extensions: options.extensions, streams: options.stream,
            verbatim: verbatim.map { VerbatimBody(route: .openAIChatCompletions, bytes: $0) })
    }
}

/// The body of `POST /v1/completions`.
package struct OpenAICompletionRequest: Decodable, Sendable {
    package var model: String?
    package var prompt: String
    package var options: OpenAIRequestOptions

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: OpenAIKey.self)
        model = try container.decodeIfPresent(String.self, forKey: .model)
        if let prompts = try? container.decode([String].self, forKey: .prompt), prompts.count == 1 {
            prompt = prompts[0]
        } else {
            prompt = try container.decode(String.self, forKey: .prompt)
        }
        options = try OpenAIRequestOptions(from: container)
    }

    /// - Throws: ``ChatFailure`` naming the field that is out of range.
    package func chatRequest(verbatim: [UInt8]? = nil) throws -> ChatRequest {
        ChatRequest(
            kind: .completion, model: try OpenAIRequestOptions.modelID(model), messages: [ChatMessage(.user, prompt)],
            sampling: try options.sampling(), extensions: options.extensions, streams: options.stream,
            verbatim: verbatim.map { VerbatimBody(route: .openAICompletions, bytes: $0) })
    }
}

/// What chat and text completions have in common.
package struct OpenAIRequestOptions: Hashable, Sendable {
    package var stream: Bool
    package var includesUsage: Bool
    package var extensions: [String: JSONValue]
    private var unchecked: SamplingOptions
    private var choices: Int?

    init(stream: Bool, includesUsage: Bool, sampling: SamplingOptions, choices: Int?) {
        self.stream = stream
        self.includesUsage = includesUsage
        extensions = [:]
        unchecked = sampling
        self.choices = choices
    }

    init(from container: KeyedDecodingContainer<OpenAIKey>) throws {
        stream = try container.decodeIfPresent(Bool.self, forKey: .stream) ?? false
        includesUsage =
            try container.decodeIfPresent(OpenAIStreamOptions.self, forKey: .streamOptions)?.include_usage ?? false
        choices = try container.decodeNumberIfPresent(Int.self, forKey: .choices)
        unchecked = SamplingOptions(
            maxTokens: try container.decodeNumberIfPresent(Int.self, forKey: .maxCompletionTokens)
                ?? container.decodeNumberIfPresent(Int.self, forKey: .maxTokens),
            temperature: try container.decodeNumberIfPresent(Double.self, forKey: .temperature),
            topP: try container.decodeNumberIfPresent(Double.self, forKey: .topP),
            seed: try container.decodeNumberIfPresent(Int64.self, forKey: .seed),
            stop: try container.decodeIfPresent(OneOrMoreStrings.self, forKey: .stop)?.strings ?? [],
            frequencyPenalty: try container.decodeNumberIfPresent(Double.self, forKey: .frequencyPenalty),
            presencePenalty: try container.decodeNumberIfPresent(Double.self, forKey: .presencePenalty))
        extensions = [:]
        for key in container.allKeys where !OpenAIKey.known.contains(key.stringValue) {
            extensions[key.stringValue] = try container.decode(JSONValue.self, forKey: key)
        }
    }

    /// - Throws: ``ChatFailure`` with `invalidRequest`, naming the field that is out of range.
    func sampling() throws -> SamplingOptions {
        if let choices, choices != 1 { throw Self.refuse("n", "must be 1") }
        if let maxTokens = unchecked.maxTokens, maxTokens < 1 { throw Self.refuse("max_tokens", "must be at least 1") }
        if let temperature = unchecked.temperature, !(0...2).contains(temperature) {
            throw Self.refuse("temperature", "must be between 0 and 2")
        }
        if let topP = unchecked.topP, !(0...1).contains(topP) { throw Self.refuse("top_p", "must be between 0 and 1") }
        for (name, penalty) in [
            ("frequency_penalty", unchecked.frequencyPenalty), ("presence_penalty", unchecked.presencePenalty),
        ] {
            if let penalty, !(-2...2).contains(penalty) { throw Self.refuse(name, "must be between -2 and 2") }
        }
        guard unchecked.stop.count <= 16 else { throw Self.refuse("stop", "may hold at most 16 strings") }
        var sampling = unchecked
        sampling.stop.removeAll(where: \.isEmpty)
        return sampling
    }

    /// `auto`, an empty name and no name all leave the choice to the router.
    package static func modelID(_ name: String?) throws -> ModelID? {
        guard let name, !name.isEmpty, name != "auto" else { return nil }
        guard name.utf8.count <= 256 else { throw refuse("model", "must be at most 256 bytes long") }
        return ModelID(name)
    }

    private static func refuse(_ field: String, _ reason: String) -> ChatFailure {
        ChatFailure(.invalidRequest, "'\(field)' \(reason)", field: field)
    }
}

/// A message as it stands in a request; unlike ``ChatMessage`` it checks what a client may have left out.
private struct OpenAIMessage: Decodable {
    var message: ChatMessage

    private enum CodingKeys: String, CodingKey {
        case role, content, name
        case toolCalls = "tool_calls"
        case toolCallID = "tool_call_id"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let role = try container.decode(String.self, forKey: .role)
        guard let role = ChatMessage.Role(rawValue: role) else {
            throw DecodingError.dataCorruptedError(forKey: .role, in: container, debugDescription: "unknown role")
        }
        let toolCalls = try container.decodeIfPresent(JSONValue.self, forKey: .toolCalls)
        let content = try container.decodeIfPresent(MessageContent.self, forKey: .content) ?? .none
        if content == .none, toolCalls == nil || toolCalls == .null {
            throw DecodingError.keyNotFound(
                CodingKeys.content,
                DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "a message without content"))
        }
        message = ChatMessage(
            role: role, content: content, name: try container.decodeIfPresent(String.self, forKey: .name),
            toolCalls: toolCalls, toolCallID: try container.decodeIfPresent(String.self, forKey: .toolCallID))
    }
}

private struct OpenAIStreamOptions: Decodable {
    var include_usage: Bool?
}

private struct OneOrMoreStrings: Decodable {
    var strings: [String]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let one = try? container.decode(String.self) {
            strings = [one]
        } else {
            strings = try container.decode([String].self)
        }
    }
}

struct OpenAIKey: CodingKey, Hashable {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }

    static let model = OpenAIKey(stringValue: "model")
    static let messages = OpenAIKey(stringValue: "messages")
    static let prompt = OpenAIKey(stringValue: "prompt")
    static let stream = OpenAIKey(stringValue: "stream")
    static let streamOptions = OpenAIKey(stringValue: "stream_options")
    static let choices = OpenAIKey(stringValue: "n")
    static let maxTokens = OpenAIKey(stringValue: "max_tokens")
    static let maxCompletionTokens = OpenAIKey(stringValue: "max_completion_tokens")
    static let temperature = OpenAIKey(stringValue: "temperature")
    static let topP = OpenAIKey(stringValue: "top_p")
    static let seed = OpenAIKey(stringValue: "seed")
    static let stop = OpenAIKey(stringValue: "stop")
    static let frequencyPenalty = OpenAIKey(stringValue: "frequency_penalty")
    static let presencePenalty = OpenAIKey(stringValue: "presence_penalty")

    static let known: Set<String> = Set(
        [
            model, messages, prompt, stream, streamOptions, choices, maxTokens, maxCompletionTokens, temperature, topP,
            seed, stop, frequencyPenalty, presencePenalty,
        ].map(\.stringValue))
}
