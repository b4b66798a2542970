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

    /// - Throws: `EncodingError`, which these types do not cause.
    package init(kind: ChatRequest.Kind, header: OpenAIAnswerHeader, includesUsage: Bool) throws {
        self.kind = kind
        self.header = header
        self.includesUsage = includesUsage
        var prefix = Array(#"data: {"id":"#.utf8)
        JSONText.append(header.id, to: &prefix)
        let object = kind == .chat ? "chat.completion.chunk" : "text_completion"
        prefix.append(contentsOf: #","object":"\#(object)","created":\#(header.created),"model":"#.utf8)
        JSONText.append(header.model, to: &prefix)
        let choice = kind == .chat ? #"{"index":0,"delta":{"content":"# : #"{"index":0,"text":"#
        prefix.append(contentsOf: #","choices":[\#(choice)"#.utf8)
        textPrefix = prefix
        let end = kind == .chat ? #"},"finish_reason":null}]}"# : #","finish_reason":null}]}"#
        textSuffix = Array(end.utf8) + Self.eventEnd
    }

    /// The event that opens a chat stream; empty for text completions.
    package func opening() throws -> [UInt8] {
        guard kind == .chat else { return [] }
        return try event(OpenAIChatChunk(header: header, delta: .init(role: "assistant", content: "")))
    }

    package func delta(_ delta: ChatDelta) throws -> [UInt8] {
        guard delta.toolCalls == nil, delta.reasoning == nil else {
            let text = delta.text.isEmpty ? nil : delta.text
            return try event(
                OpenAIChatChunk(
                    header: header,
                    delta: .init(content: text, reasoning: delta.reasoning, toolCalls: delta.toolCalls)))
        }
        var bytes = [UInt8]()
        bytes.reserveCapacity(textPrefix.count + textSuffix.count + delta.text.utf8.count + 16)
        bytes.append(contentsOf: textPrefix)
        JSONText.append(delta.text, to: &bytes)
        bytes.append(contentsOf: textSuffix)
        return bytes
    }

    /// The events that close a whole answer, `[DONE]` included.
    package func closing(_ finish: FinishReason, usage: TokenUsage) throws -> [UInt8] {
        var bytes: [UInt8]
        switch kind {
        case .chat: bytes = try event(OpenAIChatChunk(header: header, delta: .init(), finish: finish))
        case .completion: bytes = try event(OpenAITextCompletion(header: header, text: "", finish: finish, usage: nil))
        }
        if includesUsage {
            switch kind {
            case .chat: bytes += try event(OpenAIChatChunk(header: header, delta: nil, usage: usage))
            case .completion:
                bytes += try event(OpenAITextCompletion(header: header, text: nil, finish: nil, usage: usage))
            }
        }
        return bytes + Array("data: [DONE]".utf8) + Self.eventEnd
    }

    /// The event that says that another node goes on.
    package func continued(_ continuation: OpenAIContinuation) throws -> [UInt8] {
        switch kind {
        case .chat:
            var chunk = OpenAIChatChunk(header: header, delta: .init())
            chunk.kith = continuation
            return try event(chunk)
        case .completion:
            var chunk = OpenAITextCompletion(header: header, text: "", finish: nil, usage: nil)
            chunk.kith = continuation
            return try event(chunk)
        }
    }

    /// The event that says that the answer broke off; no `[DONE]` and no `finish_reason` follow it.
    package func failure(_ body: OpenAIErrorBody) throws -> [UInt8] { try event(body) }

    /// A comment that clients skip; keeps connections open while nothing has been said.
    package static let keepAlive = Array(": waiting\n\n".utf8)

    private func event(_ value: some Encodable) throws -> [UInt8] {
        Array("data: ".utf8) + (try JSONBody.encodeLine(value)) + Self.eventEnd
    }

    private static let eventEnd = Array("\n\n".utf8)
}
