// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// The limit of an ``Attempt`` has passed.
struct AttemptExpired: Error {}

/// Work of which the first end counts: its own, its limit, a word from elsewhere, or that nobody waits for it any more.
///
/// Whoever waits goes on at that moment, also when the work does not heed its cancellation.
final class Attempt<Value: Sendable>: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Value, any Error>?
        var result: Result<Value, any Error>?
    }

    private let state = Mutex(State())

    /// To be called once.
    ///
    /// - Throws: What the work throws; ``AttemptExpired``; what ``end(_:)`` was given; `CancellationError`.
    func run(
        limit: Duration, clock: any TimeSource, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        // Tasks of their own, because one that heeds no cancellation would hold a group of tasks until it is done.
        let worker = Task {
            do { end(.success(try await work())) } catch { end(.failure(error)) }
        }
        let timer = Task {
            do { try await clock.sleep(for: limit) } catch { return }
            end(.failure(AttemptExpired()))
        }
        defer {
            worker.cancel()
            timer.cancel()
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state in
                    if state.result == nil { state.continuation = continuation }
                    return state.result
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            end(.failure(CancellationError()))
        }
    }

    /// The first to come counts.
    func end(_ result: Result<Value, any Error>) {
        let continuation = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            guard state.result == nil else { return nil }
            state.result = result
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(with: result)
    }
}
