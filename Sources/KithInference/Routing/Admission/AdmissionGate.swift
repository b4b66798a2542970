// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Identifies one stay in an engine's queue and slots; issued by the gate, so that no two are equal.
package struct AdmissionTicket: Hashable, Sendable {
    package let number: UInt64

    package init(number: UInt64) { self.number = number }
}

/// Which requests may use an engine's slots now, which wait, and which are turned away: a pure value.
package struct AdmissionQueue: Sendable {
    package enum Verdict: Hashable, Sendable {
        case admitted
        case queued(position: Int)
        /// The queue is full.
        case refused
    }

    /// The shortest and the longest wait that clients are told.
    package static let retryRange = Duration.seconds(1)...Duration.seconds(60)
    private static let roomRange = Duration.milliseconds(100)...Duration.seconds(5)
    /// Weight of the newest sample in the mean.
    private static let weight = 0.2

    private let capacity: EngineCapacity
    /// When each of them began.
    private var running: [AdmissionTicket: MonotonicInstant] = [:]
    private var waiting: [AdmissionTicket] = []
    /// How long a slot is held, as a moving average; `nil` until one was given back.
    private var meanHold: Duration?

    package init(capacity: EngineCapacity) { self.capacity = capacity }

    package var runningCount: Int { running.count }
    package var waitingCount: Int { waiting.count }

    /// When a request that is turned away now would have had its turn if there had been room: the waiting requests,
    /// times how long each takes, divided by the slots.
    package var retryAfter: Duration {
        guard let meanHold else { return Self.retryRange.lowerBound }
        let wait = meanHold * Double(waiting.count) / Double(capacity.slots)
        return min(max(wait, Self.retryRange.lowerBound), Self.retryRange.upperBound)
    }

    /// When the next place in the queue comes free: long before all of it has been worked off.
    package var roomAfter: Duration {
        guard let meanHold else { return .seconds(1) }
        return min(max(meanHold / Double(capacity.slots), Self.roomRange.lowerBound), Self.roomRange.upperBound)
    }

    package mutating func arrive(_ ticket: AdmissionTicket, now: MonotonicInstant) -> Verdict {
        if running.count < capacity.slots, waiting.isEmpty {
            running[ticket] = now
            return .admitted
        }
        guard waiting.count < capacity.queueLimit else { return .refused }
        waiting.append(ticket)
        return .queued(position: waiting.count)
    }

    /// A request ended, or its client left, whether it ran or waited.
    ///
    /// - Returns: The requests that are admitted in its place, in the order in which they came.
    package mutating func leave(_ ticket: AdmissionTicket, now: MonotonicInstant) -> [AdmissionTicket] {
        if let since = running.removeValue(forKey: ticket) {
            learn(now - since)
        } else {
            waiting.removeAll { $0 == ticket }
        }
        var admitted: [AdmissionTicket] = []
        while running.count < capacity.slots, !waiting.isEmpty {
            let next = waiting.removeFirst()
            running[next] = now
            admitted.append(next)
        }
        return admitted
    }

    /// Also from requests whose client left: their slot came free all the same.
    private mutating func learn(_ hold: Duration) {
        meanHold = meanHold.map { $0 * (1 - Self.weight) + hold * Self.weight } ?? hold
    }
}

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

    /// - Parameter action: Called each time a request comes or goes, by its task; must not wait.
    package func whenChanged(_ action: @escaping @Sendable () -> Void) { onChange.set { action() } }

    /// Waits for a slot. The lease gives it back when it is dropped.
    ///
    /// - Throws: `ChatError` with `overloaded` when the queue is full; `CancellationError`.
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

    private var refusal: ChatError {
        let (retryAfter, roomAfter) = state.withLock { ($0.queue.retryAfter, $0.queue.roomAfter) }
        var refusal = ChatError(
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
