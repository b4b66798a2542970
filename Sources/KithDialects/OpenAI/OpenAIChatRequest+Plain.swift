// SPDX-License-Identifier: Apache-2.0

import KithModel

extension OpenAIChatRequest {
    /// The request in these bytes: read in one pass when it is of the form that nearly all requests have, else decoded.
    ///
    /// - Throws: ``ChatFailure`` for what is not such a request.
    package static func read(_ bytes: [UInt8]) throws -> OpenAIChatRequest {
        try plain(bytes) ?? JSONBody.decode(OpenAIChatRequest.self, from: bytes)
    }

    /// - Returns: `nil` for everything but a request whose messages are text and whose other fields are known here, each
    ///   there once; what is wrong with it is the decoder's to say.
    package static func plain(_ bytes: [UInt8]) -> OpenAIChatRequest? {
        var reader = PlainJSONReader(bytes)
        var fields = PlainFields()
        guard reader.object({ key, reader in fields.read(key, from: &reader) }), reader.isAtEnd(),
            let messages = fields.messages
        else { return nil }
        return OpenAIChatRequest(model: fields.model, messages: messages, options: fields.options)
    }
}

/// The fields of a plain request as they come.
private struct PlainFields {
    private(set) var model: String?
    private(set) var messages: [ChatMessage]?
    private var streams: Bool?
    private var includesUsage: Bool?
    private var sampling = SamplingOptions()
    private var maxTokens: Int64?
    private var maxCompletionTokens: Int64?
    private var choices: Int64?

    var options: OpenAIRequestOptions {
        var sampling = sampling
        sampling.maxTokens = (maxCompletionTokens ?? maxTokens).map { Int($0) }
        return OpenAIRequestOptions(
            stream: streams ?? false, includesUsage: includesUsage ?? false, sampling: sampling,
            choices: choices.map { Int($0) })
    }

    /// - Returns: `false` for a field that is unknown or was there before, or whose value is not plain.
    mutating func read(_ key: String, from reader: inout PlainJSONReader) -> Bool {
        switch key {
        case "model" where model == nil: return Self.read(&model, reader.string())
        case "messages" where messages == nil: return Self.read(&messages, reader.array(Self.message))
        case "stream" where streams == nil: return Self.read(&streams, reader.bool())
        case "stream_options" where includesUsage == nil: return Self.read(&includesUsage, Self.usage(from: &reader))
        case "temperature" where sampling.temperature == nil: return Self.read(&sampling.temperature, reader.number())
        case "top_p" where sampling.topP == nil: return Self.read(&sampling.topP, reader.number())
        case "frequency_penalty" where sampling.frequencyPenalty == nil:
            return Self.read(&sampling.frequencyPenalty, reader.number())
        case "presence_penalty" where sampling.presencePenalty == nil:
            return Self.read(&sampling.presencePenalty, reader.number())
        case "seed" where sampling.seed == nil: return Self.read(&sampling.seed, reader.integer())
        case "n" where choices == nil: return Self.read(&choices, reader.integer())
        case "max_tokens" where maxTokens == nil: return Self.read(&maxTokens, reader.integer())
        case "max_completion_tokens" where maxCompletionTokens == nil:
            return Self.read(&maxCompletionTokens, reader.integer())
        default: return false
        }
    }

    private static func read<Value>(_ field: inout Value?, _ value: Value?) -> Bool {
        field = value
        return value != nil
    }

    private static func message(from reader: inout PlainJSONReader) -> ChatMessage? {
        var role: String?
        var content: String?
        let isWhole = reader.object { key, reader in
            switch key {
            case "role" where role == nil: read(&role, reader.string())
            case "content" where content == nil: read(&content, reader.string())
            default: false
            }
        }
        guard isWhole, let role = role.flatMap(ChatMessage.Role.init(rawValue:)), let content else { return nil }
        return ChatMessage(role, content)
    }

    private static func usage(from reader: inout PlainJSONReader) -> Bool? {
        var included: Bool?
        let isWhole = reader.object { key, reader in
            key == "include_usage" && included == nil && read(&included, reader.bool())
        }
        return isWhole ? included : nil
    }
}
