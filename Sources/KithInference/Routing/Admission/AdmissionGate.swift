// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Lets tasks wait for one of an engine's slots; the decisions are ``AdmissionQueue``'s.
package final class AdmissionGate: Sendable {
    private enum Waiter {
        /// In the queue; its task has not begun to wait. Leaves to `waiting` or `settled`.
        case arrived
        /// Leaves when it is resumed.
        case waiting(CheckedContinuation<Void, any Error>)
        /// Admitted or cancelled before its task began to wait.
        case settled(Result<Void, any Error>)
    }

    private struct State {
        var queue: AdmissionQueue
        var lastTicket: UInt64 = 0
        var waiters: [AdmissionTicket: Waiter] = [:]
    }

    private let clock: any TimeSource
    private let state: Mutex<State>
    private let onChange = Callback<Void>()

    package init(capacity: EngineCapacity, clock: any TimeSource) {
        self.clock = clock
        state = Mutex(State(queue: AdmissionQueue(capacity: capacity)))
    }

    package var load: (running: Int, waiting: Int) {
        state.withLock { ($0.queue.runningCount, $0.queue.waitingCount) }
    }

    /// - Parameter action: Told each time that somebody comes or goes, by the task that does; must not wait.
    package func whenChanged(_ action: @escaping @Sendable () -> Void) { onChange.set { action() } }

    /// Waits for a slot. The lease gives it back when it is dropped.
    ///
    /// - Throws: ``ChatFailure`` with `overloaded` when the queue is full; `CancellationError`.
    package func enter() async throws -> SlotLease {
        let now = clock.now
        let (ticket, verdict) = state.withLock { state in
            state.lastTicket &+= 1
            let ticket = AdmissionTicket(number: state.lastTicket)
            let verdict = state.queue.arrive(ticket, now: now)
            if case .queued = verdict { state.waiters[ticket] = .arrived }
            return (ticket, verdict)
        }
        switch verdict {
        case .admitted: onChange(())
        case .refused: throw refusal
        case .queued:
            onChange(())
            try await wait(ticket)
        }
        return SlotLease(ticket: ticket, gate: self)
    }

    private var refusal: ChatFailure {
        let (retryAfter, roomAfter) = state.withLock { ($0.queue.retryAfter, $0.queue.roomAfter) }
        var refusal = ChatFailure(
            .overloaded, "all slots of the engine are taken and its queue is full", retryAfter: retryAfter)
        refusal.roomAfter = min(roomAfter, retryAfter)
        return refusal
    }

    private func wait(_ ticket: AdmissionTicket) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let settled: Result<Void, any Error>? = state.withLock { state in
                    if case .settled(let result) = state.waiters[ticket] {
                        state.waiters[ticket] = nil
                        return result
                    }
                    state.waiters[ticket] = .waiting(continuation)
                    return nil
                }
                if let settled { continuation.resume(with: settled) }
            }
        } onCancel: {
            if settle(ticket, .failure(CancellationError())) { leave(ticket) }
        }
    }

    fileprivate func leave(_ ticket: AdmissionTicket) {
        let now = clock.now
        for admitted in state.withLock({ $0.queue.leave(ticket, now: now) }) { settle(admitted, .success(())) }
        onChange(())
    }

    /// - Returns: `false` when the waiter had been settled otherwise before.
    @discardableResult
    private func settle(_ ticket: AdmissionTicket, _ result: Result<Void, any Error>) -> Bool {
        let (isSettled, continuation) = state.withLock { state -> (Bool, CheckedContinuation<Void, any Error>?) in
            switch state.waiters[ticket] {
            case .arrived:
                state.waiters[ticket] = .settled(result)
                return (true, nil)
            case .waiting(let continuation):
                state.waiters[ticket] = nil
                return (true, continuation)
            case .settled, nil:
                return (false, nil)
            }
        }
        continuation?.resume(with: result)
        return isSettled
    }
}

/// The use of one slot, given back when the last reference goes.
package final class SlotLease: Sendable {
    private let ticket: AdmissionTicket
    private let gate: AdmissionGate

    fileprivate init(ticket: AdmissionTicket, gate: AdmissionGate) {
        self.ticket = ticket
        self.gate = gate
    }

    deinit { gate.leave(ticket) }
}
