// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The body of `POST /v1/chat/completions`.
package enum OpenAIChatRequest {
    /// The request in these bytes, read in one pass; it keeps them.
    ///
    /// Fields that this node does not act on are in `ChatRequest.extensions`. The engine decides whether a value is in a
    /// range that it takes.
    ///
    /// - Throws: `ChatError` with `malformedRequest` for what is not JSON or lacks a field, and `invalidRequest` for a
    ///   field of the wrong type; the message names the field.
    package static func read(_ bytes: [UInt8]) throws(ChatError) -> ChatRequest {
        var fields = OpenAIRequestFields()
        var messages: [ChatMessage]?
        let body = try ClientBody(requestTo: .openAIChatCompletions, bytes) { key, scanner in
            if key == "messages" {
                messages = try OpenAIMessages.read(&scanner)
            } else {
                try fields.read(key, &scanner)
            }
        }
        guard let messages else { throw ChatError.missing("messages") }
        guard !messages.isEmpty else {
            throw ChatError(.malformedRequest, "'messages' must hold at least one message", field: "messages")
        }
        return try fields.request(.chat, messages, body)
    }
}

/// The body of `POST /v1/completions`.
package enum OpenAICompletionRequest {
    /// As ``OpenAIChatRequest/read(_:)``. A prompt that is not one text, such as tokens or several texts, becomes the
    /// parts of the only message, for engines that speak this dialect.
    ///
    /// - Throws: `ChatError`.
    package static func read(_ bytes: [UInt8]) throws(ChatError) -> ChatRequest {
        var fields = OpenAIRequestFields()
        var prompt: MessageContent?
        let body = try ClientBody(requestTo: .openAICompletions, bytes) { key, scanner in
            if key == "prompt" {
                prompt = try Self.prompt(&scanner)
            } else {
                try fields.read(key, &scanner)
            }
        }
        guard let prompt else { throw ChatError.missing("prompt") }
        return try fields.request(.completion, [ChatMessage(role: .user, content: prompt)], body)
    }

    private static func prompt(_ scanner: inout JSONScanner) throws -> MessageContent? {
        guard scanner.kind() == .array else { return try scanner.text(of: "prompt").map { .text($0) } }
        let parts = try scanner.value().arrayValue ?? []
        if parts.count == 1, let text = parts[0].stringValue { return .text(text) }
        return .parts(parts)
    }
}

/// A model's name in a request.
package enum OpenAIModelName {
    /// `auto`, also with the tag that Ollama's programs put after every name, an empty name and no name all leave the choice
    /// to the router.
    ///
    /// - Throws: `ChatError` for a name of more than 256 bytes.
    package static func id(_ name: String?) throws(ChatError) -> ModelID? {
        guard let name, !["", "auto", "auto:latest"].contains(name) else { return nil }
        guard name.utf8.count <= 256 else {
            throw ChatError(.invalidRequest, "'model' must be at most 256 bytes long", field: "model")
        }
        return ModelID(name)
    }
}

/// What requests for chat and text completions have in common, as it is read.
struct OpenAIRequestFields {
    private var model: String?
    private var streams = false
    private var includesUsage = false
    private var sampling = SamplingOptions()
    private var maxTokens: Int?
    private var maxCompletionTokens: Int?
    private var extensions = JSONObject()

    /// Reads the value of `key`.
    mutating func read(_ key: String, _ scanner: inout JSONScanner) throws {
        switch key {
        case "model": model = try scanner.text(of: key)
        case "stream": streams = try scanner.bool(of: key) ?? false
        case "stream_options": includesUsage = try Self.includesUsage(&scanner)
        case "max_tokens": maxTokens = try Self.limit(key, &scanner)
        case "max_completion_tokens": maxCompletionTokens = try Self.limit(key, &scanner)
        case "temperature": sampling.temperature = try scanner.number(of: key)
        case "top_p": sampling.topP = try scanner.number(of: key)
        case "frequency_penalty": sampling.frequencyPenalty = try scanner.number(of: key)
        case "presence_penalty": sampling.presencePenalty = try scanner.number(of: key)
        case "seed": sampling.seed = try scanner.integer(of: key).map { Int64($0) }
        case "n": sampling.choices = try scanner.integer(of: key)
        case "stop": sampling.stop = try Self.stop(&scanner)
        default: extensions[key] = try scanner.value()
        }
    }

    func request(
        _ kind: ChatRequest.Kind, _ messages: [ChatMessage], _ body: ClientBody
    ) throws(ChatError) -> ChatRequest {
        var sampling = sampling
        sampling.maxTokens = maxCompletionTokens ?? maxTokens
        if maxTokens != nil { sampling.limitName = .maxTokens }
        if maxCompletionTokens != nil { sampling.limitName = .maxCompletionTokens }
        return ChatRequest(
            kind: kind, model: try OpenAIModelName.id(model), messages: messages, sampling: sampling,
            extensions: extensions, streams: streams, includesUsage: includesUsage, body: body)
    }

    /// - Returns: `nil` for `null` and for -1, with which clients made for llama.cpp say that they set no limit.
    private static func limit(_ key: String, _ scanner: inout JSONScanner) throws -> Int? {
        guard let limit = try scanner.integer(of: key), limit != -1 else { return nil }
        guard limit >= 1 else {
            throw ChatError(.invalidRequest, "'\(key)' must be at least 1, or -1 for no limit", field: key)
        }
        return limit
    }

    private static func includesUsage(_ scanner: inout JSONScanner) throws -> Bool {
        guard try scanner.enterObject(of: "stream_options") else { return false }
        var includesUsage = false
        while let key = try scanner.nextKey() {
            if scanner.matches(key, "include_usage") {
                includesUsage = try scanner.bool(of: "stream_options.include_usage") ?? false
            } else {
                try scanner.skipValue()
            }
        }
        return includesUsage
    }

    private static func stop(_ scanner: inout JSONScanner) throws -> [String] {
        if scanner.kind() == .string { return [try scanner.text()].filter { !$0.isEmpty } }
        var strings: [String] = []
        var index = 0
        guard try scanner.enterArray(of: "stop") else { return [] }
        while try scanner.nextElement() {
            if let text = try scanner.text(of: "stop.\(index)"), !text.isEmpty { strings.append(text) }
            index += 1
        }
        return strings
    }
}

/// The messages of a request, each with all that the client wrote.
enum OpenAIMessages {
    /// - Returns: `nil` for `null`.
    static func read(_ scanner: inout JSONScanner) throws -> [ChatMessage]? {
        guard try scanner.enterArray(of: "messages") else { return nil }
        var messages: [ChatMessage] = []
        while try scanner.nextElement() { messages.append(try message(messages.count, &scanner)) }
        return messages
    }

    private static func message(_ place: Int, _ scanner: inout JSONScanner) throws -> ChatMessage {
        func name(_ field: String) -> String { "messages.\(place).\(field)" }
        guard try scanner.enterObject(of: "messages.\(place)") else {
            throw ChatError.wrongType("messages.\(place)", "an object")
        }
        var role: ChatMessage.Role?
        var message = ChatMessage(role: .user, content: .none)
        while let key = try scanner.nextKey() {
            if scanner.matches(key, "role") {
                guard let word = try scanner.text(of: name("role")) else { continue }
                role = ChatMessage.Role(rawValue: word)
                if role == nil { throw ChatError.unusable(name("role")) }
            } else if scanner.matches(key, "content") {
                message.content = try content(name("content"), &scanner)
            } else if scanner.matches(key, "name") {
                message.name = try scanner.text(of: name("name"))
            } else if scanner.matches(key, "tool_calls") {
                let calls = try scanner.value()
                if !calls.isNull, calls != [] { message.toolCalls = calls }
            } else if scanner.matches(key, "tool_call_id") {
                message.toolCallID = try scanner.text(of: name("tool_call_id"))
            } else {
                message.extra[scanner.text(key)] = try scanner.value()
            }
        }
        guard let role else { throw ChatError.missing(name("role")) }
        message.role = role
        if message.content == .none, message.toolCalls == nil, needsContent(role) {
            throw ChatError.missing(name("content"))
        }
        return message
    }

    /// A turn of the assistant, and the result of a tool, may be empty.
    private static func needsContent(_ role: ChatMessage.Role) -> Bool {
        switch role {
        case .system, .developer, .user: true
        case .assistant, .tool, .function: false
        }
    }

    private static func content(_ field: String, _ scanner: inout JSONScanner) throws -> MessageContent {
        switch scanner.kind() {
        case .string: return .text(try scanner.text())
        case .array: return .parts(try scanner.value().arrayValue ?? [])
        case .null where scanner.takeNull(): return .none
        case nil:
            try scanner.skipValue()  // says what is wrong
            return .none
        default: throw ChatError.wrongType(field, "a string or a list")
        }
    }
}
