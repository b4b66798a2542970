// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// An engine that says what it was told to say, and remembers what it was asked.
final class ToldEngine: ChatEngine {
    private let events: [ChatEvent]
    private let asked = Mutex<[ChatRequest]>([])

    init(_ events: [ChatEvent]) { self.events = events }

    var kind: EngineKind { .echo }
    var capacity: EngineCapacity { EngineCapacity(slots: 4) }
    var requests: [ChatRequest] { asked.withLock { $0 } }

    func models() async throws -> [ModelInfo] { [ModelInfo(id: "m", contextLength: 1_000)] }

    func health() async -> EngineHealth { .ready }

    func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .anew }

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        asked.withLock { $0.append(request) }
        return .events(Events(events: events))
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { throw ChatError(.unsupported, "no") }

    private struct Events: AsyncSequence, AsyncIteratorProtocol, Sendable {
        typealias Element = ChatEvent
        typealias Failure = any Error

        var events: [ChatEvent]

        mutating func next() async throws -> ChatEvent? { events.isEmpty ? nil : events.removeFirst() }

        func makeAsyncIterator() -> Events { self }
    }
}
