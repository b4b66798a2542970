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

    /// How many wait before a request that came now.
    package func waiting(before priority: RequestPriority) -> Int {
        state.withLock { $0.queue.waitingCount(before: priority) }
    }

    /// - Parameter action: Called each time a request comes or goes, by its task; must not wait.
    package func whenChanged(_ action: @escaping @Sendable () -> Void) { onChange.set { action() } }

    /// Waits for a slot, also behind those of a higher priority that come later. The lease gives it back when it is dropped.
    ///
    /// - Throws: `ChatError` with `overloaded` when the queue is full; `CancellationError`.
    package func enter(_ priority: RequestPriority = .interactive) async throws -> SlotLease {
        let now = clock.now
        let (ticket, verdict) = state.withLock { state in
            state.lastTicket &+= 1
            let ticket = AdmissionTicket(number: state.lastTicket)
            let verdict = state.queue.arrive(ticket, priority, now: now)
            if case .queued = verdict { state.waiters[ticket] = .arrived }
            return (ticket, verdict)
        }
        switch verdict {
        case .admitted: onChange(())
        case .refused: throw refusal(of: priority)
        case .queued:
            onChange(())
            switch priority {
            case .interactive: try await wait(ticket)
            case .batch: try await waitWithTime(ticket)
            }
        }
        return SlotLease(ticket: ticket, gate: self)
    }

    private func refusal(of priority: RequestPriority) -> ChatError {
        let (retryAfter, roomAfter) = state.withLock { ($0.queue.retryAfter(priority), $0.queue.roomAfter) }
        var refusal = ChatError(
            .overloaded, "all slots of the engine are taken and its queue is full", retryAfter: retryAfter)
        refusal.roomAfter = min(roomAfter, retryAfter)
        return refusal
    }

    /// Batch work may have its turn because time has passed, and nobody else would notice.
    private func waitWithTime(_ ticket: AdmissionTicket) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [clock, self] in
                while true {
                    let now = clock.now
                    let next = state.withLock { $0.queue.nextChange(now: now) } ?? now + Self.batchPause
                    try await clock.sleep(until: max(next, now + Self.shortestPause), tolerance: nil)
                    advance()
                }
            }
            defer { group.cancelAll() }
            try await wait(ticket)
        }
    }

    /// Between two looks at the queue, while only a request that leaves can make room; and between any two.
    private static let batchPause = Duration.seconds(10)
    private static let shortestPause = Duration.milliseconds(100)

    private func advance() {
        let now = clock.now
        let admitted = state.withLock { $0.queue.advance(now: now) }
        for ticket in admitted { settle(ticket, .success(())) }
        if !admitted.isEmpty { onChange(()) }
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

    /// - Returns: `false` when the waiter had been settled before.
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
