// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Names one stay in an engine's queue and slots; given out by the gate, so that no two are ever alike.
package struct AdmissionTicket: Hashable, Sendable {
    package let number: UInt64

    package init(number: UInt64) { self.number = number }
}

/// Who may use an engine's slots now, who waits, and who is turned away: a pure value.
package struct AdmissionQueue: Sendable {
    package enum Verdict: Hashable, Sendable {
        case admitted
        case queued(position: Int)
        /// The queue is full.
        case refused
    }

    private let capacity: EngineCapacity
    private var running: Set<AdmissionTicket> = []
    private var waiting: [AdmissionTicket] = []

    package init(capacity: EngineCapacity) { self.capacity = capacity }

    package var runningCount: Int { running.count }
    package var waitingCount: Int { waiting.count }

    package mutating func arrive(_ ticket: AdmissionTicket) -> Verdict {
        if running.count < capacity.slots, waiting.isEmpty {
            running.insert(ticket)
            return .admitted
        }
        guard waiting.count < capacity.queueLimit else { return .refused }
        waiting.append(ticket)
        return .queued(position: waiting.count)
    }

    /// A request ended, or its client left, whether it ran or waited.
    ///
    /// - Returns: The requests that are admitted in its place, in the order in which they came.
    package mutating func leave(_ ticket: AdmissionTicket) -> [AdmissionTicket] {
        if running.remove(ticket) == nil { waiting.removeAll { $0 == ticket } }
        var admitted: [AdmissionTicket] = []
        while running.count < capacity.slots, !waiting.isEmpty {
            let next = waiting.removeFirst()
            running.insert(next)
            admitted.append(next)
        }
        return admitted
    }
}
