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
    /// - Parameter events: Begin with `data: `; what is behind the first blank line is not looked at.
    /// - Returns: `nil` for what is no event of the dialect.
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
