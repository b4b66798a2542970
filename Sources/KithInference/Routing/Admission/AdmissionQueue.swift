// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Identifies one stay in an engine's queue and slots; issued by the gate, so that no two are equal.
package struct AdmissionTicket: Hashable, Sendable {
    package let number: UInt64

    package init(number: UInt64) { self.number = number }
}

/// Which requests may use an engine's slots now, which wait, and which are turned away: a pure value.
///
/// Those that somebody waits for go first, in the order in which they came, and wait only for each other and for what runs.
/// Batch work gets the slots that people leave free: as many as there are, less the most that people have wanted at once
/// within the last ``memory``; and never the last one of several, so that whoever comes next finds it free. What runs is not
/// interrupted: an engine with one slot keeps whoever comes waiting for the end of what it does.
///
/// Batch work is never shut out. When the first of it has waited for a while, and for as long none of it began, it goes
/// before the others: a while of at least ``patience``, and ``batchShare`` times as long as it takes, so that people lose
/// little by it. So the n-th of a queue begins after n times that at the latest, and the end of what ran then.
package struct AdmissionQueue: Sendable {
    package enum Verdict: Hashable, Sendable {
        case admitted
        case queued(position: Int)
        /// The queue is full.
        case refused
    }

    /// The shortest and the longest wait that clients are told.
    package static let retryRange = Duration.seconds(1)...Duration.seconds(60)
    /// How long slots are kept for people who were here.
    package static let memory = Duration.seconds(300)
    /// How long the first of the batch work waits while people have all slots: at least, and at most.
    package static let patience = Duration.seconds(120)
    package static let longestPatience = Duration.seconds(3_600)
    package static let batchShare = 60.0
    private static let roomRange = Duration.milliseconds(100)...Duration.seconds(5)
    /// Weight of the newest sample in the mean.
    private static let weight = 0.2

    private struct Stay {
        var since: MonotonicInstant
        var priority: RequestPriority
    }

    private let capacity: EngineCapacity
    /// When each of them began.
    private var running: [AdmissionTicket: Stay] = [:]
    private var runningBatch = 0
    private var waiting: [AdmissionTicket] = []
    /// When each of them came.
    private var batch: [(ticket: AdmissionTicket, since: MonotonicInstant)] = []
    private var batchBeganAt: MonotonicInstant?
    /// How long batch work holds a slot, likewise.
    private var meanBatchHold: Duration?
    private var demand = RecentDemand(memory: AdmissionQueue.memory)
    /// How long a slot is held, as a moving average; `nil` until one was given back.
    private var meanHold: Duration?

    package init(capacity: EngineCapacity) { self.capacity = capacity }

    package var runningCount: Int { running.count }
    package var waitingCount: Int { waiting.count + batch.count }

    /// How many wait before a request that came now.
    package func waitingCount(before priority: RequestPriority) -> Int {
        priority == .interactive ? waiting.count : waitingCount
    }

    package var retryAfter: Duration { retryAfter(.interactive) }

    /// When a request that is turned away now would have had its turn if there had been room: the waiting requests,
    /// times how long each takes, divided by the slots.
    package func retryAfter(_ priority: RequestPriority) -> Duration {
        guard let meanHold else { return Self.retryRange.lowerBound }
        let wait = meanHold * Double(waitingCount(before: priority)) / Double(capacity.slots)
        return min(max(wait, Self.retryRange.lowerBound), Self.retryRange.upperBound)
    }

    /// When the next place in the queue comes free: long before all of it has been worked off.
    package var roomAfter: Duration {
        guard let meanHold else { return .seconds(1) }
        return min(max(meanHold / Double(capacity.slots), Self.roomRange.lowerBound), Self.roomRange.upperBound)
    }

    /// Each priority has a queue of its own, so that no flood of the one fills the places of the other.
    package mutating func arrive(
        _ ticket: AdmissionTicket, _ priority: RequestPriority = .interactive, now: MonotonicInstant
    ) -> Verdict {
        switch priority {
        case .interactive:
            demand.note(running.count - runningBatch + waiting.count + 1, now: now)
            if running.count < capacity.slots, waiting.isEmpty {
                begin(ticket, .interactive, now: now)
                return .admitted
            }
            guard waiting.count < capacity.queueLimit else { return .refused }
            waiting.append(ticket)
            return .queued(position: waiting.count)
        case .batch:
            if batch.isEmpty, mayBeginBatch(now: now) {
                begin(ticket, .batch, now: now)
                return .admitted
            }
            guard batch.count < capacity.queueLimit else { return .refused }
            batch.append((ticket, now))
            return .queued(position: waitingCount)
        }
    }

    /// A request ended, or its client left, whether it ran or waited.
    ///
    /// - Returns: The requests that are admitted in its place, in that order.
    package mutating func leave(_ ticket: AdmissionTicket, now: MonotonicInstant) -> [AdmissionTicket] {
        if let stay = running.removeValue(forKey: ticket) {
            let hold = now - stay.since
            if stay.priority == .batch {
                runningBatch -= 1
                meanBatchHold = Self.mean(meanBatchHold, hold)
            }
            meanHold = Self.mean(meanHold, hold)
        } else if let place = waiting.firstIndex(of: ticket) {
            waiting.remove(at: place)
        } else {
            batch.removeAll { $0.ticket == ticket }
        }
        return admit(now: now)
    }

    /// - Returns: The requests that are admitted because time has passed.
    package mutating func advance(now: MonotonicInstant) -> [AdmissionTicket] { admit(now: now) }

    /// When ``advance(now:)`` may admit something; `nil` while only a request that leaves can make room.
    package func nextChange(now: MonotonicInstant) -> MonotonicInstant? {
        guard let first = batch.first, running.count < capacity.slots else { return nil }
        let aged = max(first.since, batchBeganAt ?? first.since) + patience
        return min(aged, demand.nextChange(now: now) ?? aged)
    }

    private mutating func admit(now: MonotonicInstant) -> [AdmissionTicket] {
        var admitted: [AdmissionTicket] = []
        while running.count < capacity.slots {
            if !batch.isEmpty, isBatchDue(now: now) || waiting.isEmpty && mayBeginBatch(now: now) {
                let next = batch.removeFirst().ticket
                begin(next, .batch, now: now)
                admitted.append(next)
            } else if !waiting.isEmpty {
                let next = waiting.removeFirst()
                begin(next, .interactive, now: now)
                admitted.append(next)
            } else {
                break
            }
        }
        return admitted
    }

    private mutating func begin(_ ticket: AdmissionTicket, _ priority: RequestPriority, now: MonotonicInstant) {
        running[ticket] = Stay(since: now, priority: priority)
        guard priority == .batch else { return }
        runningBatch += 1
        batchBeganAt = now
    }

    private func mayBeginBatch(now: MonotonicInstant) -> Bool {
        let kept = max(demand.most(now: now), capacity.slots > 1 ? 1 : 0)
        return running.count < capacity.slots && runningBatch < capacity.slots - min(kept, capacity.slots)
    }

    private func isBatchDue(now: MonotonicInstant) -> Bool {
        guard let first = batch.first else { return false }
        return now - max(first.since, batchBeganAt ?? first.since) >= patience
    }

    private var patience: Duration {
        min(max(Self.patience, (meanBatchHold ?? .zero) * Self.batchShare), Self.longestPatience)
    }

    /// Also from requests whose client left: their slot came free all the same.
    private static func mean(_ mean: Duration?, _ hold: Duration) -> Duration {
        mean.map { $0 * (1 - weight) + hold * weight } ?? hold
    }
}

/// The most of something within the last while, to within twice that time; in constant memory.
private struct RecentDemand: Sendable {
    let memory: Duration
    private var since: MonotonicInstant?
    private var current = 0
    private var previous = 0

    init(memory: Duration) { self.memory = memory }

    mutating func note(_ count: Int, now: MonotonicInstant) {
        switch since.map({ now - $0 }) {
        case let age? where age < memory: current = max(current, count)
        case let age?:
            previous = age < memory * 2 ? current : 0
            (current, since) = (count, now)
        case nil: (current, since) = (count, now)
        }
    }

    func most(now: MonotonicInstant) -> Int {
        guard let since else { return 0 }
        let age = now - since
        if age < memory { return max(current, previous) }
        return age < memory * 2 ? current : 0
    }

    /// When it may sink.
    func nextChange(now: MonotonicInstant) -> MonotonicInstant? {
        guard let since, most(now: now) > 0 else { return nil }
        return now - since < memory ? since + memory : since + memory * 2
    }
}
