// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Synchronization

/// Counts like ``CountEngine`` and breaks off after a random number of tokens, or not at all.
final class BreakingCountEngine: ChatEngine {
    private let engine = CountEngine()
    private let generator: Mutex<SeededGenerator>
    private let way: ContinuationWay
    private let longest: Int

    init(seed: UInt64, longest: Int, way: ContinuationWay) {
        generator = Mutex(SeededGenerator(seed: seed))
        self.longest = longest
        self.way = way
    }

    var kind: EngineKind { .count }
    var capacity: EngineCapacity { EngineCapacity(slots: 16) }

    func models() async throws -> [ModelInfo] { try await engine.models() }

    func health() async -> EngineHealth { .ready }

    func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { way }

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        guard case .events(let events) = try await engine.answer(request) else {
            throw ChatError(.invalidAnswer, "no events")
        }
        return .events(Events(base: events, left: generator.withLock { Int.random(in: 1...longest, using: &$0) }))
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { try await engine.embed(request) }

    private struct Events: AsyncSequence, Sendable {
        typealias Element = ChatEvent
        typealias Failure = any Error

        let base: ChatStream
        let left: Int

        struct AsyncIterator: AsyncIteratorProtocol {
            var base: any AsyncIteratorProtocol<ChatEvent, any Error>
            var left: Int

            mutating func next() async throws -> ChatEvent? {
                guard left > 0 else { throw ChatError(.interrupted, "the engine broke") }
                left -= 1
                return try await base.next(isolation: #isolation)
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), left: left) }
    }
}
