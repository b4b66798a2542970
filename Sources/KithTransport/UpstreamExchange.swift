// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import Synchronization

/// One request on its way: what was asked, and who waits for it.
///
/// Shared between the waiting task and the connection's event loop; the first to end it wins.
final class UpstreamExchange: Sendable {
    enum Outcome: Sendable {
        case reply(UpstreamReply)
        case response(UpstreamResponse)
    }

    enum Mode: Sendable {
        case collect
        case stream
    }

    private enum State {
        /// Leaves to `running` or `ended`.
        case created
        /// A task waits. Leaves to `ended`.
        case running(CheckedContinuation<Outcome, any Error>, (any Channel)?)
        case ended
    }

    let request: UpstreamRequest
    let mode: Mode
    private let state = Mutex(State.created)

    init(_ request: UpstreamRequest, mode: Mode) {
        self.request = request
        self.mode = mode
    }

    /// - Returns: Whether the exchange is to be run; `false` when it was cancelled before it began.
    func begin(_ continuation: CheckedContinuation<Outcome, any Error>) -> Bool {
        let begun = state.withLock { state in
            guard case .created = state else { return false }
            state = .running(continuation, nil)
            return true
        }
        if !begun { continuation.resume(throwing: CancellationError()) }
        return begun
    }

    /// Binds the exchange to the channel that will be closed if it is cancelled.
    ///
    /// - Returns: `false` when nobody waits any more, so that the channel stays free.
    func attach(_ channel: any Channel) -> Bool {
        state.withLock { state in
            guard case .running(let continuation, _) = state else { return false }
            state = .running(continuation, channel)
            return true
        }
    }

    func end(_ result: Result<Outcome, any Error>) { take()?.continuation.resume(with: result) }

    func cancel() {
        guard let taken = take() else { return }
        taken.channel?.close(promise: nil)
        taken.continuation.resume(throwing: CancellationError())
    }

    private func take() -> (continuation: CheckedContinuation<Outcome, any Error>, channel: (any Channel)?)? {
        state.withLock { state in
            defer { state = .ended }
            guard case .running(let continuation, let channel) = state else { return nil }
            return (continuation, channel)
        }
    }
}
