// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The time that some work was given has passed.
package struct DeadlineExceeded: Error, Hashable, Sendable {
    package init() {}
}

/// Does some work until a deadline, and cancels it then.
///
/// Returns when the work has ended: work that ignores its cancellation is waited for. See ``abandonAfter(_:clock:or:_:)``
/// for such work.
///
/// - Throws: What the work throws; ``DeadlineExceeded``; `CancellationError`.
package func withDeadline<Value: Sendable>(
    _ deadline: MonotonicInstant, clock: any TimeSource, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await clock.sleep(until: deadline, tolerance: nil)
            throw DeadlineExceeded()
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}

/// Does some work for at most `limit`, and returns at that moment even if the work ignores its cancellation.
///
/// - Parameter first: Gives a result from elsewhere, which counts if it comes first.
/// - Throws: What the work throws; ``DeadlineExceeded``; `CancellationError`.
package func abandonAfter<Value: Sendable>(
    _ limit: Duration, clock: any TimeSource, or first: FirstResult<Value> = FirstResult(),
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let timer = Task {
        do { try await clock.sleep(for: limit) } catch { return }
        first.end(.failure(DeadlineExceeded()))
    }
    defer { timer.cancel() }
    return try await first.run(work)
}

/// The first of several results; one task waits for it, once.
package final class FirstResult<Value: Sendable>: Sendable {
    private struct State {
        var waiter: CheckedContinuation<Value, any Error>?
        var result: Result<Value, any Error>?
    }

    private let state = Mutex(State())

    package init() {}

    /// Does some work whose result counts unless another came before; to be called once.
    ///
    /// - Throws: What the work throws, or what ``end(_:)`` was given; `CancellationError`.
    package func run(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        // A task of its own, because work that ignores its cancellation would hold a group of tasks until it is done.
        let worker = Task {
            do { end(.success(try await work())) } catch { end(.failure(error)) }
        }
        defer { worker.cancel() }
        return try await withTaskCancellationHandler {
            try await value()
        } onCancel: {
            end(.failure(CancellationError()))
        }
    }

    /// Only the first result counts.
    package func end(_ result: Result<Value, any Error>) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            guard state.result == nil else { return nil }
            state.result = result
            return state.waiter.take()
        }
        waiter?.resume(with: result)
    }

    private func value() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state in
                if state.result == nil { state.waiter = continuation }
                return state.result
            }
            if let result { continuation.resume(with: result) }
        }
    }
}
