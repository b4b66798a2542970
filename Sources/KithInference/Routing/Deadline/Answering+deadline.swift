// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

extension Answering {
    /// The same, held to a deadline: its answers end at that moment with a ``ChatFailure`` of `deadlineExceeded`, and what
    /// makes them is cancelled.
    ///
    /// - Parameter deadline: `nil` for somebody who waits for ever, which costs nothing.
    package func until(_ deadline: Moment?, clock: any TimeSource) -> any Answering {
        guard let deadline else { return self }
        return DeadlineAnswering(base: self, deadline: deadline, clock: clock)
    }
}

private struct DeadlineAnswering: Answering {
    let base: any Answering
    let deadline: Moment
    let clock: any TimeSource

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        let watch = DeadlineWatch(at: deadline, clock: clock)
        switch try await watch.run({ [base] in try await base.answer(request) }) {
        case .verbatim(let answer): return .verbatim(answer)
        case .events(let stream): return .events(DeadlineStream(base: stream, watch: watch))
        }
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        try await DeadlineWatch(at: deadline, clock: clock).run { [base] in try await base.embed(request) }
    }
}

/// A stream that breaks off at a deadline.
private struct DeadlineStream: AsyncSequence, Sendable {
    typealias Element = ChatEvent
    typealias Failure = any Error

    let base: ChatStream
    let watch: DeadlineWatch

    struct AsyncIterator: AsyncIteratorProtocol {
        let events: PulledEvents
        let watch: DeadlineWatch

        mutating func next() async throws -> ChatEvent? {
            try await watch.run { [events] in try await events.next() }
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> ChatEvent? {
            try await watch.run { [events] in try await events.next() }
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(events: PulledEvents(base.makeAsyncIterator()), watch: watch)
    }
}

/// An iterator that several tasks use one after the other.
private final class PulledEvents: Sendable {
    /// Proof: taken out of the lock for each `next()` and put back after it, so that no two tasks ever use it at once; a
    /// second call meanwhile finds nothing and reports the end.
    private struct Source: @unchecked Sendable {
        var iterator: any AsyncIteratorProtocol<ChatEvent, any Error>
    }

    private let source: Mutex<Source?>

    init(_ iterator: any AsyncIteratorProtocol<ChatEvent, any Error>) {
        source = Mutex(Source(iterator: iterator))
    }

    func next() async throws -> ChatEvent? {
        guard var current = source.withLock({ $0.take() }) else { return nil }
        guard let event = try await current.iterator.next(isolation: #isolation) else { return nil }
        source.withLock { $0 = current }
        return event
    }
}
