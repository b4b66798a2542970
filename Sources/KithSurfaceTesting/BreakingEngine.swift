// SPDX-License-Identifier: Apache-2.0

import KithInference
package import KithModel

/// An engine that says some words of another's answer and then breaks off.
package struct BreakingEngine: ChatEngine {
    package var words: Int
    package var failure: ChatError
    package var way: ContinuationWay
    package var engine: any ChatEngine

    package init(
        words: Int, failure: ChatError = ChatError(.interrupted, "the engine broke"),
        way: ContinuationWay = .anew, engine: any ChatEngine = EchoEngine()
    ) {
        self.words = words
        self.failure = failure
        self.way = way
        self.engine = engine
    }

    package var kind: EngineKind { engine.kind }
    package var capacity: EngineCapacity { EngineCapacity(slots: 16) }

    package func models() async throws -> [ModelInfo] { try await engine.models() }

    package func health() async -> EngineHealth { .ready }

    package func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { way }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        guard words > 0, case .events(let events) = try await engine.answer(request) else { throw failure }
        return .events(Events(base: events, words: words, failure: failure))
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { throw failure }

    private struct Events: AsyncSequence, Sendable {
        typealias Element = ChatEvent
        typealias Failure = any Error

        let base: ChatStream
        let words: Int
        let failure: ChatError

        struct AsyncIterator: AsyncIteratorProtocol {
            var base: any AsyncIteratorProtocol<ChatEvent, any Error>
            var words: Int
            let failure: ChatError

            mutating func next() async throws -> ChatEvent? {
                guard words > 0 else { throw failure }
                words -= 1
                return try await base.next(isolation: #isolation)
            }
        }

        func makeAsyncIterator() -> AsyncIterator {
            AsyncIterator(base: base.makeAsyncIterator(), words: words, failure: failure)
        }
    }
}
