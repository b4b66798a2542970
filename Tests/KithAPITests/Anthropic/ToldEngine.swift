// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// An engine that says what it was told to say, and remembers what it was asked.
final class ToldEngine: ChatEngine {
    private let events: [ChatEvent]
    private let asked = Mutex<[ChatRequest]>([])

    private let counted: Result<Int?, ChatError>

    /// - Parameter promptTokens: What it says that a prompt has.
    init(_ events: [ChatEvent], promptTokens: Result<Int?, ChatError> = .success(nil)) {
        self.events = events
        counted = promptTokens
    }

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

    func promptTokens(of request: ChatRequest) async throws -> Int? { try counted.get() }

    private struct Events: AsyncSequence, AsyncIteratorProtocol, Sendable {
        typealias Element = ChatEvent
        typealias Failure = any Error

        var events: [ChatEvent]

        mutating func next() async throws -> ChatEvent? { events.isEmpty ? nil : events.removeFirst() }

        func makeAsyncIterator() -> Events { self }
    }
}
