// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What every part of one answer repeats.
package struct OpenAIAnswerHeader: Hashable, Sendable {
    package var id: String
    /// Unix time in seconds.
    package var created: Int
    package var model: String

    package init(id: String, created: Int, model: String) {
        self.id = id
        self.created = created
        self.model = model
    }

    /// The beginning of an object of this answer.
    func members(_ object: String) -> JSONObject {
        [
            "id": .string(id), "object": .string(object), "created": .integer(Int64(created)), "model": .string(model),
        ]
    }
}

extension OpenAIAnswerHeader {
    /// What the first of these events says.
    ///
    /// - Parameter events: Begin with `data: `; what follows the first blank line is ignored.
    /// - Returns: `nil` for what is not an event of the dialect.
    package init?(ofFirst events: [UInt8]) {
        guard let start = events.firstIndex(of: UInt8(ascii: "{")) else { return nil }
        let line = events[start...].prefix { $0 != UInt8(ascii: "\n") }
        guard let event = try? JSONValue(parsing: Array(line)), let id = event["id"]?.stringValue else { return nil }
        self.init(id: id, created: event["created"]?.intValue ?? 0, model: event["model"]?.stringValue ?? "")
    }
}

/// The body of a plain answer to `POST /v1/chat/completions` or `/v1/completions`.
package enum OpenAIAnswer {
    package static func body(
        _ kind: ChatRequest.Kind, header: OpenAIAnswerHeader, message: ChatDelta, finish: FinishReason,
        usage: TokenUsage
    ) -> [UInt8] {
        var answer = header.members(kind == .chat ? "chat.completion" : "text_completion")
        var choice: JSONObject = ["index": 0]
        switch kind {
        case .chat: choice["message"] = .object(self.message(message))
        case .completion: choice["text"] = .string(message.text)
        }
        for (key, value) in message.choiceExtra { choice[key] = value }
        choice["finish_reason"] = .string(finish.rawValue)
        answer["choices"] = [.object(choice)]
        answer["usage"] = .object(usage.openAI)
        return answer.jsonBytes
    }

    private static func message(_ message: ChatDelta) -> JSONObject {
        let saysNothing = message.text.isEmpty && (message.toolCalls != nil || message.refusal != nil)
        // null stays: clients read the key
        var members: JSONObject = ["role": "assistant", "content": saysNothing ? .null : .string(message.text)]
        if let refusal = message.refusal { members["refusal"] = .string(refusal) }
        if let reasoning = message.reasoning { members["reasoning_content"] = .string(reasoning) }
        if let calls = message.toolCalls { members["tool_calls"] = calls }
        for (key, value) in message.extra { members[key] = value }
        return members
    }
}

/// Writes one answer as server-sent events of `POST /v1/chat/completions` or `/v1/completions`.
///
/// What all events share is encoded once; a piece of text costs its own escaping and one buffer.
package struct OpenAIStreamEncoder: Sendable {
    private let kind: ChatRequest.Kind
    private let header: OpenAIAnswerHeader
    private let includesUsage: Bool
    private let textPrefix: [UInt8]
    private let textSuffix: [UInt8]

    /// - Parameter header: If this continues an answer whose beginning was passed on as an engine wrote it, that engine's.
    package init(kind: ChatRequest.Kind, header: OpenAIAnswerHeader, includesUsage: Bool) {
        self.kind = kind
        self.header = header
        self.includesUsage = includesUsage
        var prefix = Array("data: ".utf8)
        header.members(Self.object(kind)).write(to: &prefix)
        prefix.removeLast()
        let choice = kind == .chat ? #"{"index":0,"delta":{"content":"# : #"{"index":0,"text":"#
        prefix.append(contentsOf: #","choices":[\#(choice)"#.utf8)
        textPrefix = prefix
        let end = kind == .chat ? #"},"finish_reason":null}]}"# : #","finish_reason":null}]}"#
        textSuffix = Array(end.utf8) + Self.eventEnd
    }

    /// The event that opens a chat stream; empty for text completions.
    package var opening: [UInt8] {
        kind == .chat ? event(choice: ["delta": ["role": "assistant", "content": ""]]) : []
    }

    package func delta(_ delta: ChatDelta) -> [UInt8] {
        guard delta.toolCalls == nil, delta.reasoning == nil, delta.refusal == nil, delta.extra.isEmpty,
            delta.choiceExtra.isEmpty
        else { return event(choice: choice(delta)) }
        var bytes = [UInt8]()
        bytes.reserveCapacity(textPrefix.count + textSuffix.count + delta.text.utf8.count + 16)
        bytes.append(contentsOf: textPrefix)
        JSONText.append(delta.text, to: &bytes)
        bytes.append(contentsOf: textSuffix)
        return bytes
    }

    /// The events that close a whole answer, `[DONE]` included.
    package func closing(_ finish: FinishReason, usage: TokenUsage) -> [UInt8] {
        event(choice: nothing, finish: .string(finish.rawValue)) + usageEvent(usage) + Self.done
    }

    /// The event that reports the usage; empty for a client that did not ask for it.
    package func usageEvent(_ usage: TokenUsage) -> [UInt8] {
        guard includesUsage else { return [] }
        var members = header.members(Self.object(kind))
        members["choices"] = []
        members["usage"] = .object(usage.openAI)
        return event(members)
    }

    /// The event that says that another node continues.
    package func continued(_ continuation: OpenAIContinuation) -> [UInt8] {
        var members = header.members(Self.object(kind))
        members["choices"] = [.object(choice(nothing, finish: .null))]
        members["x_kith"] = .object(continuation.json)
        return event(members)
    }

    /// The event that says that the answer broke off; no `[DONE]` and no `finish_reason` follow it.
    package func failure(_ body: OpenAIErrorBody) -> [UInt8] { event(body.json) }

    /// The last event of a whole answer.
    package static let done = Array("data: [DONE]\n\n".utf8)

    /// A comment that clients skip; keeps connections open while nothing has been said.
    package static let keepAlive = Array(": waiting\n\n".utf8)

    /// A comment in one line.
    package static func comment(_ words: String) -> [UInt8] {
        Array(": \(String(words.filter { !$0.isNewline }))\n\n".utf8)
    }

    // MARK: Parts

    private static let eventEnd = Array("\n\n".utf8)

    private static func object(_ kind: ChatRequest.Kind) -> String {
        kind == .chat ? "chat.completion.chunk" : "text_completion"
    }

    private var nothing: JSONObject { kind == .chat ? ["delta": [:]] : ["text": ""] }

    private func choice(_ delta: ChatDelta) -> JSONObject {
        var choice: JSONObject
        switch kind {
        case .completion: choice = ["text": .string(delta.text)]
        case .chat:
            var members: JSONObject = [:]
            if !delta.text.isEmpty { members["content"] = .string(delta.text) }
            if let reasoning = delta.reasoning { members["reasoning_content"] = .string(reasoning) }
            if let refusal = delta.refusal { members["refusal"] = .string(refusal) }
            if let calls = delta.toolCalls { members["tool_calls"] = calls }
            for (key, value) in delta.extra { members[key] = value }
            choice = ["delta": .object(members)]
        }
        for (key, value) in delta.choiceExtra { choice[key] = value }
        return choice
    }

    private func choice(_ members: JSONObject, finish: JSONValue) -> JSONObject {
        var choice = members
        choice.updateFirst(0, forKey: "index")
        choice["finish_reason"] = finish
        return choice
    }

    private func event(choice members: JSONObject, finish: JSONValue = .null) -> [UInt8] {
        var event = header.members(Self.object(kind))
        event["choices"] = [.object(choice(members, finish: finish))]
        return self.event(event)
    }

    private func event(_ members: JSONObject) -> [UInt8] {
        var bytes = Array("data: ".utf8)
        members.write(to: &bytes)
        return bytes + Self.eventEnd
    }
}

/// Says in an event of a stream, as `x_kith`, that another node continues the answer from here.
///
/// The event adds nothing to the answer, and clients that do not know the field see an ordinary event.
package struct OpenAIContinuation: Sendable {
    private let node: NodeName
    private let model: ModelID
    private let afterTokens: Int
    private let reason: ChatError.Code

    /// - Parameters:
    ///   - afterTokens: Tokens that the client has already.
    ///   - reason: Why the node before it did not continue.
    package init(node: NodeName, model: ModelID, afterTokens: Int, reason: ChatError.Code) {
        self.node = node
        self.model = model
        self.afterTokens = afterTokens
        self.reason = reason
    }

    /// The value of `x_kith`.
    var json: JSONObject {
        [
            "continued": [
                "node": .string(node.rawValue), "model": .string(model.rawValue),
                "after_tokens": .integer(Int64(afterTokens)), "reason": .string(reason.rawValue),
            ]
        ]
    }
}

/// An error in OpenAI's form; also the payload of an error in the middle of a stream.
package struct OpenAIErrorBody: Codable, Sendable {
    package struct Detail: Codable, Sendable {
        package var message: String
        package var type: String?
        package var code: JSONValue?
        package var param: String?
        /// Names that would have worked; added by kith to a 404 for a model.
        package var models: [String]?

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(message, forKey: .message)
            try container.encode(type, forKey: .type)
            try container.encode(code, forKey: .code)
            try container.encode(param, forKey: .param)
            try container.encodeIfPresent(models, forKey: .models)
        }

        private enum CodingKeys: String, CodingKey { case message, type, code, param, models }
    }

    package var error: Detail

    package init(message: String, type: String, code: String? = nil, param: String? = nil, models: [String]? = nil) {
        error = Detail(message: message, type: type, code: code.map { .string($0) }, param: param, models: models)
    }

    /// As the bytes of a body.
    package var json: JSONObject {
        var detail: JSONObject = [
            "message": .string(error.message), "type": error.type.map { .string($0) } ?? .null,
            "code": error.code ?? .null, "param": error.param.map { .string($0) } ?? .null,
        ]
        if let models = error.models { detail["models"] = .array(models.map { .string($0) }) }
        return ["error": .object(detail)]
    }
}
