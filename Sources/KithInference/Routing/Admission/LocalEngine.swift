// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// This node's engine behind its slots and queue, with what has been learned of its pace.
package final class LocalEngine: Answering {
    package let engine: any ChatEngine
    private let gate: AdmissionGate
    private let clock: any TimeSource
    private let firstTokens = Mutex(LatencyWindow())
    private let stallLimit: Duration

    /// - Parameter stallLimit: How long the engine may take between two tokens.
    package init(
        engine: any ChatEngine, clock: any TimeSource, stallLimit: Duration = ChatRequest.ordinaryStallLimit
    ) {
        self.engine = engine
        self.clock = clock
        self.stallLimit = stallLimit
        gate = AdmissionGate(capacity: engine.capacity, clock: clock)
    }

    /// Requests that run and that wait.
    package var load: (running: Int, waiting: Int) { gate.load }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        let lease = try await gate.enter()
        var request = request
        request.firstTokenLimit = firstTokens.withLock(\.firstTokenLimit)
        request.stallLimit = stallLimit
        let started = clock.now
        switch try await engine.answerFromWhereItIs(request) {
        case .verbatim(var answer):
            answer.engineTime = clock.now - started
            return .verbatim(answer)
        case .events(let stream):
            return .events(
                LeasedStream(base: stream, lease: lease, elapsed: { [clock] in clock.now - started }) {
                    [weak self] elapsed in
                    self?.firstTokens.withLock { $0.add(elapsed) }
                })
        }
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        let lease = try await gate.enter()
        defer { withExtendedLifetime(lease) {} }
        return try await engine.embed(request)
    }
}

/// A stream that holds its slot until it ends or is dropped, and says at its end how long it held it.
private struct LeasedStream: AsyncSequence, Sendable {
    typealias Element = ChatEvent
    typealias Failure = any Error

    let base: ChatStream
    let lease: SlotLease
    /// Since the slot was taken.
    let elapsed: @Sendable () -> Duration
    let onFirstToken: @Sendable (Duration) -> Void

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: any AsyncIteratorProtocol<ChatEvent, any Error>
        var lease: SlotLease?
        let elapsed: @Sendable () -> Duration
        var onFirstToken: (@Sendable (Duration) -> Void)?

        mutating func next() async throws -> ChatEvent? { try await next(isolation: #isolation) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> ChatEvent? {
            do {
                let event = try await base.next(isolation: actor)
                switch event {
                case .delta:
                    onFirstToken.take()?(elapsed())
                case .finished(let reason, var usage):
                    lease = nil
                    usage.engineTime = elapsed()
                    return .finished(reason, usage)
                case nil: lease = nil
                case .waiting: break
                }
                return event
            } catch {
                lease = nil
                throw error
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), lease: lease, elapsed: elapsed, onFirstToken: onFirstToken)
    }
}
