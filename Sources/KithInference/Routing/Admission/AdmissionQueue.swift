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

    /// What clients are told at least and at most.
    package static let retryRange = Duration.seconds(1)...Duration.seconds(60)
    private static let roomRange = Duration.milliseconds(100)...Duration.seconds(5)
    /// Weight of the newest sample in the mean.
    private static let weight = 0.2

    private let capacity: EngineCapacity
    /// Since when.
    private var running: [AdmissionTicket: Moment] = [:]
    private var waiting: [AdmissionTicket] = []
    /// How long a slot is held, as a moving average; `nil` until one was given back.
    private var meanHold: Duration?

    package init(capacity: EngineCapacity) { self.capacity = capacity }

    package var runningCount: Int { running.count }
    package var waitingCount: Int { waiting.count }

    /// When a request that is turned away now would have had its turn, had there been room for it: those who wait, times
    /// how long each takes, over the slots.
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

    package mutating func arrive(_ ticket: AdmissionTicket, now: Moment) -> Verdict {
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
    package mutating func leave(_ ticket: AdmissionTicket, now: Moment) -> [AdmissionTicket] {
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

    /// Also of those whose client left: their slot came free all the same.
    private mutating func learn(_ hold: Duration) {
        meanHold = meanHold.map { $0 * (1 - Self.weight) + hold * Self.weight } ?? hold
    }
}
