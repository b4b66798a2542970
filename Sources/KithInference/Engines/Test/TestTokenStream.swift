// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// The events of a scripted answer, made one at a time as they are asked for.
package struct TestTokenStream: AsyncSequence, Sendable {
    package typealias Element = ChatEvent
    package typealias Failure = any Error

    private let generation: Generation

    init(script: TestScript, promptTokens: Int, pace: TestPace, ledger: GenerationLedger) {
        generation = Generation(script: script, promptTokens: promptTokens, pace: pace, ledger: ledger)
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(generation: generation) }

    package struct AsyncIterator: AsyncIteratorProtocol {
        /// Ends the generation with the iterator, also when the sequence lives on.
        private final class Lease {
            let generation: Generation

            init(_ generation: Generation) { self.generation = generation }

            deinit { generation.abandon() }
        }

        private let lease: Lease

        fileprivate init(generation: Generation) { lease = Lease(generation) }

        package mutating func next() async throws -> ChatEvent? { try await lease.generation.next() }

        package mutating func next(isolation actor: isolated (any Actor)?) async throws -> ChatEvent? {
            try await lease.generation.next()
        }
    }
}

/// One generation: from its answer to its end, its cancellation or its being dropped.
private final class Generation: Sendable {
    private enum Phase {
        /// Leaves to itself with the next index, or to `ended`.
        case running(nextToken: Int)
        case ended
    }

    private let script: TestScript
    private let promptTokens: Int
    private let pace: TestPace
    private let ledger: GenerationLedger
    private let start: Moment
    private let phase = Mutex(Phase.running(nextToken: 0))

    init(script: TestScript, promptTokens: Int, pace: TestPace, ledger: GenerationLedger) {
        self.script = script
        self.promptTokens = promptTokens
        self.pace = pace
        self.ledger = ledger
        start = pace.clock.now
        ledger.begin()
    }

    deinit { abandon() }

    func next() async throws -> ChatEvent? {
        guard case .running(let index) = phase.withLock({ $0 }) else { return nil }
        do {
            try await pace.wait(until: pace.deadline(ofToken: max(0, min(index, script.tokens.count - 1)), from: start))
        } catch {
            abandon()
            throw error
        }
        guard index < script.tokens.count else {
            if end() { ledger.finish() }
            return .finished(
                script.finish, TokenUsage(promptTokens: promptTokens, completionTokens: script.tokens.count))
        }
        phase.withLock { phase in
            if case .running = phase { phase = .running(nextToken: index + 1) }
        }
        ledger.handedOutToken()
        return .delta(ChatDelta(text: script.tokens[index]))
    }

    func abandon() { if end() { ledger.cancel() } }

    /// - Returns: Whether it had not ended before.
    private func end() -> Bool {
        phase.withLock { phase in
            if case .ended = phase { return false }
            phase = .ended
            return true
        }
    }
}
