// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel

/// An engine that says some words of another's answer and then breaks off.
struct BreakingEngine: ChatEngine {
    var words: Int
    var failure = ChatFailure(.interrupted, "the engine broke")
    var way = ContinuationWay.anew
    var engine: any ChatEngine = EchoEngine()

    var kind: EngineKind { engine.kind }
    var capacity: EngineCapacity { EngineCapacity(slots: 16) }

    func models() async throws -> [ModelInfo] { try await engine.models() }

    func health() async -> EngineHealth { .ready }

    func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { way }

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        guard words > 0, case .events(let events) = try await engine.answer(request) else { throw failure }
        return .events(Events(base: events, words: words, failure: failure))
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { throw failure }

    private struct Events: AsyncSequence, Sendable {
        typealias Element = ChatEvent
        typealias Failure = any Error

        let base: ChatStream
        let words: Int
        let failure: ChatFailure

        struct AsyncIterator: AsyncIteratorProtocol {
            var base: any AsyncIteratorProtocol<ChatEvent, any Error>
            var words: Int
            let failure: ChatFailure

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
