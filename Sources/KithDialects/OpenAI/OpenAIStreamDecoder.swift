// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Reads the server-sent events of an engine that speaks OpenAI's API.
///
/// A value: events in, what they mean out. An engine reports usage after the finish reason, so the finish is held back
/// until the stream ends.
package struct OpenAIStreamDecoder: Sendable {
    private let kind: ChatRequest.Kind
    private var finish: FinishReason?
    private var usage: TokenUsage?
    private var deltas = 0
    private var isDone = false

    package init(kind: ChatRequest.Kind) { self.kind = kind }

    /// - Returns: What the event adds to the answer.
    /// - Throws: ``ChatFailure`` with `invalidAnswer` for what is not an event of this dialect, and with `engineError` for
    ///   an error that the engine reports in the stream.
    package mutating func take(_ event: ServerSentEvent) throws -> [ChatEvent] {
        guard !isDone else { return [] }
        if event.data == "[DONE]" {
            isDone = true
            guard let finish else { throw Self.cutOff }
            return [.finished(finish, finalUsage)]
        }
        let bytes = Array(event.data.utf8)
        switch kind {
        case .chat:
            guard let chunk = try? JSONBody.decode(OpenAIChatChunk.self, from: bytes) else { throw unreadable(bytes) }
            note(usage: chunk.usage, finish: chunk.choices.first?.finishReason)
            return chunk.choices.first.flatMap { self.delta($0.delta) } ?? []
        case .completion:
            guard let chunk = try? JSONBody.decode(OpenAITextCompletion.self, from: bytes) else {
                throw unreadable(bytes)
            }
            note(usage: chunk.usage, finish: chunk.choices.first?.finishReason)
            return chunk.choices.first.flatMap { self.delta(.init(content: $0.text)) } ?? []
        }
    }

    /// Call when the body has ended.
    ///
    /// - Throws: ``ChatFailure`` with `interrupted` when the answer is not whole.
    package mutating func end() throws -> [ChatEvent] {
        guard !isDone else { return [] }
        isDone = true
        guard let finish else { throw Self.cutOff }
        return [.finished(finish, finalUsage)]
    }

    private static var cutOff: ChatFailure {
        ChatFailure(.interrupted, "the engine's answer ended before it was whole")
    }

    /// Engines that do not count are counted for: one token a piece.
    private var finalUsage: TokenUsage { usage ?? TokenUsage(promptTokens: 0, completionTokens: deltas) }

    private mutating func note(usage: OpenAIUsage?, finish: String?) {
        if let usage { self.usage = usage.tokenUsage }
        if let finish { self.finish = FinishReason(rawValue: finish) ?? .stop }
    }

    private mutating func delta(_ delta: OpenAIChatChunk.Delta) -> [ChatEvent]? {
        let piece = ChatDelta(
            text: delta.content ?? "", reasoning: delta.reasoning.flatMap { $0.isEmpty ? nil : $0 },
            toolCalls: delta.toolCalls)
        guard !piece.text.isEmpty || piece.reasoning != nil || piece.toolCalls != nil else { return nil }
        deltas += 1
        return [.delta(piece)]
    }

    private func unreadable(_ bytes: [UInt8]) -> ChatFailure {
        guard let body = try? JSONBody.decode(OpenAIErrorBody.self, from: bytes) else {
            return ChatFailure(.invalidAnswer, "the engine's stream holds what is not an OpenAI event")
        }
        return ChatFailure(.engineError, "the engine reports: \(body.error.message.prefix(500))")
    }
}
