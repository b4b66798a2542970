// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// A task's wait for something that comes of a call. The first to end it wins; cancelling the task cancels the call.
final class CallWait<Value: Sendable>: Sendable {
    private enum State {
        /// Exits: `waiting`, `over`.
        case created
        /// Exits: `over`.
        case waiting(CheckedContinuation<Value, any Error>, UpstreamCall?)
        case over
    }

    private let state = Mutex(State.created)

    /// - Parameter begin: Called on `eventLoop`, unless the task is cancelled before.
    func value(on eventLoop: any EventLoop, _ begin: @escaping @Sendable () -> UpstreamCall) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard enter(continuation) else { return continuation.resume(throwing: CancellationError()) }
                let run: @Sendable () -> Void = {
                    if self.isOn { self.keep(begin()) }
                }
                if eventLoop.inEventLoop { run() } else { eventLoop.execute(run) }
            }
        } onCancel: {
            cancel()
        }
    }

    func end(with result: Result<Value, any Error>) { take()?.continuation.resume(with: result) }

    func cancel() {
        guard let taken = take() else { return }
        taken.call?.cancel()
        taken.continuation.resume(throwing: CancellationError())
    }

    private func enter(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
        state.withLock { state in
            guard case .created = state else { return false }
            state = .waiting(continuation, nil)
            return true
        }
    }

    private var isOn: Bool { state.withLock { if case .waiting = $0 { true } else { false } } }

    /// Cancels a call that nobody waits for; one that has ended does not mind.
    private func keep(_ call: UpstreamCall) {
        let isKept = state.withLock { state in
            guard case .waiting(let continuation, _) = state else { return false }
            state = .waiting(continuation, call)
            return true
        }
        if !isKept { call.cancel() }
    }

    private func take() -> (continuation: CheckedContinuation<Value, any Error>, call: UpstreamCall?)? {
        state.withLock { state in
            defer { state = .over }
            guard case .waiting(let continuation, let call) = state else { return nil }
            return (continuation, call)
        }
    }
}
