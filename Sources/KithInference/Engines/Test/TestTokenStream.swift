// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// The events of a scripted answer, made one at a time as they are asked for.
package struct TestTokenStream: AsyncSequence, Sendable {
    package typealias Element = ChatEvent
    package typealias Failure = any Error

    private let generation: Generation

    init(script: TestScript, promptTokens: Int, pace: TestPace, counter: GenerationCounter) {
        generation = Generation(script: script, promptTokens: promptTokens, pace: pace, counter: counter)
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
    private let counter: GenerationCounter
    private let start: MonotonicInstant
    private let phase = Mutex(Phase.running(nextToken: 0))

    init(script: TestScript, promptTokens: Int, pace: TestPace, counter: GenerationCounter) {
        self.script = script
        self.promptTokens = promptTokens
        self.pace = pace
        self.counter = counter
        start = pace.clock.now
        counter.begin()
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
            if end() { counter.finish() }
            return .finished(
                script.finish, TokenUsage(promptTokens: promptTokens, completionTokens: script.tokens.count))
        }
        phase.withLock { phase in
            if case .running = phase { phase = .running(nextToken: index + 1) }
        }
        counter.handedOutToken()
        return .delta(ChatDelta(text: script.tokens[index]))
    }

    func abandon() { if end() { counter.cancel() } }

    /// - Returns: Whether it had not ended before.
    private func end() -> Bool {
        phase.withLock { phase in
            if case .ended = phase { return false }
            phase = .ended
            return true
        }
    }
}

/// When each token is due, counted from the moment the answer began.
struct TestPace: Sendable {
    var firstTokenDelay: Duration
    var interval: Duration
    var clock: any TimeSource

    init(settings: TestEngineSettings, clock: any TimeSource) {
        firstTokenDelay = settings.firstTokenDelay
        self.clock = clock
        if let rate = settings.tokensPerSecond, rate > 0, rate.isFinite {
            interval = .nanoseconds(Int64(min(1e9 / rate, 1e15)))
        } else {
            interval = .zero
        }
    }

    func deadline(ofToken index: Int, from start: MonotonicInstant) -> MonotonicInstant {
        start.advanced(by: firstTokenDelay + interval * index)
    }

    /// Waits for a deadline; does not give up the thread for one that has passed.
    func wait(until deadline: MonotonicInstant) async throws {
        try Task.checkCancellation()
        if clock.now < deadline { try await clock.sleep(until: deadline, tolerance: nil) }
    }
}

/// Counts the generations of a test engine, so that a test can see one being cancelled where it matters.
package final class GenerationCounter: Sendable {
    package struct Counts: Hashable, Sendable {
        package var active: Int
        /// Generations that came to their end.
        package var finished: Int
        /// Generations that were dropped or cancelled before their end.
        package var cancelled: Int
        /// Tokens handed out by all generations.
        package var tokens: Int

        package init(active: Int = 0, finished: Int = 0, cancelled: Int = 0, tokens: Int = 0) {
            self.active = active
            self.finished = finished
            self.cancelled = cancelled
            self.tokens = tokens
        }
    }

    private let state = Mutex(Counts())

    package init() {}

    package var counts: Counts { state.withLock { $0 } }

    func begin() { state.withLock { $0.active += 1 } }

    func handedOutToken() { state.withLock { $0.tokens += 1 } }

    func finish() {
        state.withLock { counts in
            counts.active -= 1
            counts.finished += 1
        }
    }

    func cancel() {
        state.withLock { counts in
            counts.active -= 1
            counts.cancelled += 1
        }
    }
}
