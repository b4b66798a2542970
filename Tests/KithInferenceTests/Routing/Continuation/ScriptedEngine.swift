// SPDX-License-Identifier: Apache-2.0

import KithModel

/// An engine that says what it was told to say, and perhaps breaks off.
struct ScriptedEngine: ChatEngine {
    var events: [ChatEvent]
    /// Thrown after the last event; `nil` ends the stream without a word.
    var failure: ChatError?
    var way = ContinuationWay.anew
    /// Refuses to have an answer begun for it.
    var refusesPrefill = false

    var kind: EngineKind { .echo }
    var capacity: EngineCapacity { EngineCapacity(slots: 16) }

    func models() async throws -> [ModelInfo] { [ModelInfo(id: "m")] }

    func health() async -> EngineHealth { .ready }

    func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { way }

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        if refusesPrefill, request.messages.last?.role == .assistant {
            throw ChatError(.invalidRequest, "this model does not let its answer be begun")
        }
        return .events(Events(events: events, failure: failure))
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { throw ChatError(.unsupported, "no") }

    private struct Events: AsyncSequence, AsyncIteratorProtocol, Sendable {
        typealias Element = ChatEvent
        typealias Failure = any Error

        var events: [ChatEvent]
        var failure: ChatError?

        mutating func next() async throws -> ChatEvent? {
            if !events.isEmpty { return events.removeFirst() }
            if let failure { throw failure }
            return nil
        }

        func makeAsyncIterator() -> Events { self }
    }
}

extension ChatEvent {
    static func text(_ text: String) -> ChatEvent { .delta(ChatDelta(text: text)) }

    static func end(_ prompt: Int = 1, _ completion: Int = 1) -> ChatEvent {
        .finished(.stop, TokenUsage(promptTokens: prompt, completionTokens: completion))
    }
}
