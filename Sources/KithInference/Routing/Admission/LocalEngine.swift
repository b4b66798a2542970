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
        gate = AdmissionGate(capacity: engine.capacity)
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
        case .verbatim(let answer): return .verbatim(answer)
        case .events(let stream):
            return .events(
                LeasedStream(base: stream, lease: lease) { [weak self] in
                    guard let self else { return }
                    let elapsed = clock.now - started
                    firstTokens.withLock { $0.add(elapsed) }
                })
        }
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        let lease = try await gate.enter()
        defer { withExtendedLifetime(lease) {} }
        return try await engine.embed(request)
    }
}

/// A stream that holds its slot until it ends or is dropped.
private struct LeasedStream: AsyncSequence, Sendable {
    typealias Element = ChatEvent
    typealias Failure = any Error

    let base: ChatStream
    let lease: SlotLease
    let onFirstToken: @Sendable () -> Void

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: any AsyncIteratorProtocol<ChatEvent, any Error>
        var lease: SlotLease?
        var onFirstToken: (@Sendable () -> Void)?

        mutating func next() async throws -> ChatEvent? { try await next(isolation: #isolation) }

        mutating func next(isolation actor: isolated (any Actor)?) async throws -> ChatEvent? {
            do {
                let event = try await base.next(isolation: actor)
                switch event {
                case .delta:
                    onFirstToken?()
                    onFirstToken = nil
                case .finished, nil: lease = nil
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
        AsyncIterator(base: base.makeAsyncIterator(), lease: lease, onFirstToken: onFirstToken)
    }
}
