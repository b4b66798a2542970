// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

extension Answering {
    /// The same, with a deadline: its answers end at that moment with a `ChatError` of `deadlineExceeded`, and what
    /// makes them is cancelled.
    ///
    /// - Parameter deadline: `nil` for no deadline, which costs nothing.
    package func until(_ deadline: MonotonicInstant?, clock: any TimeSource) -> any Answering {
        guard let deadline else { return self }
        return DeadlineAnswering(base: self, deadline: deadline, clock: clock)
    }
}

private struct DeadlineAnswering: Answering {
    let base: any Answering
    let deadline: MonotonicInstant
    let clock: any TimeSource

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        let watch = DeadlineWatch(at: deadline, clock: clock)
        switch try await watch.run({ [base] in try await base.answer(request) }) {
        case .verbatim(let answer): return .verbatim(answer)
        case .events(let stream): return .events(EngineStream(stream).until(watch))
        }
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        try await DeadlineWatch(at: deadline, clock: clock).run { [base] in try await base.embed(request) }
    }

    func promptTokens(of request: ChatRequest) async throws -> Int? {
        try await DeadlineWatch(at: deadline, clock: clock).run { [base] in try await base.promptTokens(of: request) }
    }

    func passThrough(_ request: PassThroughRequest) async throws -> PassThroughAnswer {
        var answer = try await DeadlineWatch(at: deadline, clock: clock).run { [base] in
            try await base.passThrough(request)
        }
        answer.body = GuardedBody(answer.body, until: deadline, clock: clock)
        return answer
    }
}

/// The moment at which the client gives up: code that waits for an answer goes on then, even if the work ignores its
/// cancellation.
///
/// One timer for all the waits of one request, which come one after the other.
final class DeadlineWatch: Sendable {
    /// What the timer knows, so that it does not hold the watch.
    private final class Bell: Sendable {
        private struct State {
            var hasRung = false
            /// Ends the current wait.
            var ring: (@Sendable () -> Void)?
        }

        private let state = Mutex(State())

        /// - Returns: `false` when the moment has passed.
        func attend(_ ring: @escaping @Sendable () -> Void) -> Bool {
            state.withLock { state in
                if !state.hasRung { state.ring = ring }
                return !state.hasRung
            }
        }

        func leave() { state.withLock { $0.ring = nil } }

        func sound() {
            let ring = state.withLock { state in
                state.hasRung = true
                return state.ring.take()
            }
            ring?()
        }
    }

    private let bell = Bell()
    private let timer: Task<Void, Never>?

    init(at deadline: MonotonicInstant, clock: any TimeSource) {
        guard clock.now < deadline else {
            timer = nil
            bell.sound()
            return
        }
        timer = Task { [bell] in
            do { try await clock.sleep(until: deadline, tolerance: nil) } catch { return }
            bell.sound()
        }
    }

    deinit { timer?.cancel() }

    static var failure: ChatError {
        ChatError(.deadlineExceeded, "the deadline that the request came with has passed")
    }

    /// Does some work until the deadline; not to be called again before it returns.
    ///
    /// - Throws: What the work throws; `ChatError` with `deadlineExceeded`; `CancellationError`.
    func run<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let race = FirstResult<Value>()
        guard bell.attend({ race.end(.failure(Self.failure)) }) else { throw Self.failure }
        defer { bell.leave() }
        return try await race.run(work)
    }
}
