// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes one answer as server-sent events of `POST /v1/chat/completions` or `/v1/completions`.
///
/// What all events share is encoded once; a piece of text costs its own escaping and one buffer.
package struct OpenAIStreamEncoder: Sendable {
    private let kind: ChatRequest.Kind
    private let header: OpenAIAnswerHeader
    private let includesUsage: Bool
    private let textPrefix: [UInt8]
    private let textSuffix: [UInt8]

    /// - Parameter header: When this goes on with an answer whose beginning came from an engine as it was, that engine's.
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

    /// The event that says what was used; empty for a client that did not ask for it.
    package func usageEvent(_ usage: TokenUsage) -> [UInt8] {
        guard includesUsage else { return [] }
        var members = header.members(Self.object(kind))
        members["choices"] = []
        members["usage"] = .object(usage.openAI)
        return event(members)
    }

    /// The event that says that another node goes on.
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
