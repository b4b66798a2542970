// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel

/// An engine that says some words and then breaks off.
struct BreakingEngine: ChatEngine {
    var words: Int
    var failure = ChatFailure(.interrupted, "the engine broke")

    var kind: EngineKind { .echo }
    var capacity: EngineCapacity { EngineCapacity(slots: 16) }

    func models() async throws -> [ModelInfo] { [ModelInfo(id: "echo", contextLength: 8192)] }

    func health() async -> EngineHealth { .ready }

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        guard words > 0 else { throw failure }
        return .events(Events(words: words, failure: failure))
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { throw failure }

    private struct Events: AsyncSequence, AsyncIteratorProtocol, Sendable {
        typealias Element = ChatEvent
        typealias Failure = any Error

        var words: Int
        var failure: ChatFailure

        mutating func next() async throws -> ChatEvent? {
            guard words > 0 else { throw failure }
            words -= 1
            return .delta(ChatDelta(text: "word "))
        }

        func makeAsyncIterator() -> Events { self }
    }
}
