// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Does the jobs of the replicated log one after another, each on disk before its answer.
///
/// Jobs that wait while the disk works are done together afterwards and share one write to the disk. When the disk fails,
/// the log is read from it again, so that nothing is ever reported that a restart would not know.
actor SharedLogWriter {
    /// One job.
    enum Job: Sendable {
        case write([LocalWrite], delivery: DeliveryKey?)
        /// A message of at most ``operationLimit`` operations.
        case take(SyncMessage, from: NodeID?)
        /// Only a message, for a node that knows this much and takes no more of these logs.
        case ask(VersionVector, except: Set<Replica>)
        case compact
        /// Only these nodes' writes count from now on; those of others may have been lies about this node's own.
        case keep(Set<NodeID>, anew: Bool)

        fileprivate var isKeep: Bool { if case .keep = self { true } else { false } }

        /// Whether it may be so much that it shares its write to the disk with no other of its kind.
        fileprivate var isLarge: Bool {
            switch self {
            case .take, .compact, .keep: true
            case .write, .ask: false
            }
        }
    }

    /// The result of a job.
    enum Result: Sendable {
        /// Whether a write was new.
        case written(Bool)
        /// Why not all was taken.
        case taken(Set<LogRefusal>)
        case kept
        case message(SyncMessage)
    }

    /// Called with what is on disk, in order.
    typealias Commit = @Sendable (LogOutcome, borrowing ReplicatedLog) -> Void

    private struct Pending {
        let job: Job
        let answer: CheckedContinuation<Result, any Error>
    }

    /// Jobs that share one write to the disk.
    private static let batchLimit = 128
    /// Operations of kin that are taken with one write to the disk: this node's own writes wait for it.
    static let operationLimit = 256

    private let store: any SharedLogStore
    private let node: NodeID
    private let limits: LogLimits
    private let onCommit: Commit
    /// `nil` after the disk has failed, until it can be read.
    private var log: ReplicatedLog?
    /// The nodes whose writes count; `nil` for all.
    private var members: Set<NodeID>?
    private var pending: [Pending] = []
    private var isWorking = false

    init(store: any SharedLogStore, node: NodeID, log: ReplicatedLog, onCommit: @escaping Commit) {
        self.store = store
        self.node = node
        self.log = log
        limits = log.limits
        self.onCommit = onCommit
    }

    /// Reads the log from the disk, and begins one where there is none.
    ///
    /// - Parameter snapshot: What is on the disk, where it has been read already.
    /// - Throws: `StateRefusal`.
    static func read(
        _ store: any SharedLogStore, snapshot: LogSnapshot? = nil, node: NodeID, limits: LogLimits
    ) async throws(StateRefusal) -> (log: ReplicatedLog, outcome: LogOutcome) {
        var generator = SystemRandomNumberGenerator()
        let snapshot = if let snapshot { snapshot } else { try await store.logSnapshot() }
        let opened = ReplicatedLog.open(
            snapshot, node: node, epoch: generator.next(), limits: limits, now: .now())
        try await store.commit(opened.outcome.transition, deliveries: [])
        return opened
    }

    /// - Throws: `StateRefusal`; ``SyncError`` for a message that cannot be taken in.
    func perform(_ job: Job) async throws -> Result {
        try await withCheckedThrowingContinuation { answer in
            pending.append(Pending(job: job, answer: answer))
            guard !isWorking else { return }
            isWorking = true
            // On its own: the first caller may be cancelled, and the others still wait for their answers.
            Task { await work() }
        }
    }

    private func work() async {
        while !pending.isEmpty { await perform(nextBatch()) }
        isWorking = false
    }

    /// As much as is done together. That nodes are forgotten comes first and is alone in its transaction; and however much kin send, this node's own writes never wait for more than one part of it.
    private func nextBatch() -> [Pending] {
        var batch: [Pending] = []
        var rest: [Pending] = []
        var hasLarge = false
        if let place = pending.firstIndex(where: \.job.isKeep) { return [pending.remove(at: place)] }
        for pending in pending {
            if batch.count < Self.batchLimit, !(hasLarge && pending.job.isLarge) {
                hasLarge = hasLarge || pending.job.isLarge
                batch.append(pending)
            } else {
                rest.append(pending)
            }
        }
        pending = rest
        return batch
    }

    // MARK: One batch

    /// The result of a batch before it is on disk.
    private struct Work {
        var outcome = LogOutcome()
        var deliveries: [DeliveryKey] = []
        var answers: [(CheckedContinuation<Result, any Error>, Swift.Result<Result, any Error>)] = []
        var questions: [(CheckedContinuation<Result, any Error>, VersionVector, Set<Replica>)] = []
        var leftOver: [Pending] = []
    }

    private func perform(_ batch: [Pending]) async {
        do {
            try await readAgainIfNeeded()
            let known = try await delivered(in: batch)
            var work = Work()
            for (index, pending) in batch.enumerated() {
                step(pending, known: known, into: &work)
                // A log that begins anew withdraws numbers and asks for them again: not within one transaction.
                if work.outcome.wasRestored {
                    work.leftOver = Array(batch[(index + 1)...])
                    break
                }
            }
            pending.insert(contentsOf: work.leftOver, at: 0)
            await finish(work)
        } catch {
            for pending in batch { pending.answer.resume(throwing: StateRefusal(error)) }
        }
    }

    private func step(_ pending: Pending, known: Set<DeliveryKey>, into work: inout Work) {
        do {
            switch pending.job {
            case .write(let writes, let delivery):
                if let delivery {
                    guard !known.contains(delivery), !work.deliveries.contains(delivery) else {
                        return work.answers.append((pending.answer, .success(.written(false))))
                    }
                }
                if let outcome = try log?.write(writes, now: .now()) { work.outcome.append(outcome) }
                if let delivery { work.deliveries.append(delivery) }
                work.answers.append((pending.answer, .success(.written(true))))
            case .take(let message, let sender):
                var generator = SystemRandomNumberGenerator()
                let outcome = log?.take(message, from: sender, epoch: generator.next(), now: .now()) ?? LogOutcome()
                work.outcome.append(outcome)
                work.answers.append((pending.answer, .success(.taken(outcome.refusals))))
            case .ask(let versions, let stalled):
                work.questions.append((pending.answer, versions, stalled))
            case .compact:
                if let outcome = log?.compact(now: .now()) { work.outcome.append(outcome) }
                work.answers.append((pending.answer, .success(.taken([]))))
            case .keep(let members, let isAnew):
                self.members = members
                var generator = SystemRandomNumberGenerator()
                let anew = isAnew ? (generator.next(), WallTime.now()) : nil
                work.outcome.append(log?.keep(only: members, anew: anew) ?? LogOutcome())
                work.answers.append((pending.answer, .success(.kept)))
            }
        } catch {
            work.answers.append((pending.answer, .failure(error)))
        }
    }

    private func finish(_ work: Work) async {
        do {
            try await store.commit(work.outcome.transition, deliveries: work.deliveries)
        } catch {
            log = nil
            return refuse(work, StateRefusal(error))
        }
        guard let log else { return refuse(work, StateRefusal(.unavailable, "the state cannot be read")) }
        if !work.outcome.transition.isEmpty || !work.outcome.changed.isEmpty { onCommit(work.outcome, log) }
        for (answer, versions, stalled) in work.questions {
            answer.resume(returning: .message(log.message(for: versions, except: stalled)))
        }
        for (answer, result) in work.answers { answer.resume(with: result) }
    }

    /// A job that was refused for a reason of its own keeps that reason.
    private func refuse(_ work: Work, _ refusal: StateRefusal) {
        for (answer, result) in work.answers {
            if case .failure(let problem) = result {
                answer.resume(throwing: problem)
            } else {
                answer.resume(throwing: refusal)
            }
        }
        for (answer, _, _) in work.questions { answer.resume(throwing: refusal) }
    }

    /// Those deliveries of a batch that earlier ones have counted.
    private func delivered(in batch: [Pending]) async throws(StateRefusal) -> Set<DeliveryKey> {
        var known: Set<DeliveryKey> = []
        for pending in batch {
            guard case .write(_, let key?) = pending.job else { continue }
            if try await store.isDelivered(key) { known.insert(key) }
        }
        return known
    }

    private func readAgainIfNeeded() async throws(StateRefusal) {
        guard log == nil else { return }
        var (read, outcome) = try await Self.read(store, node: node, limits: limits)
        if let members {
            let kept = read.keep(only: members)
            try await store.commit(kept.transition, deliveries: [])
            outcome.append(kept)
        }
        log = read
        onCommit(outcome, read)
    }
}

extension StateRefusal {
    init(_ error: any Error) {
        if let refusal = error as? StateRefusal {
            self = refusal
        } else {
            self.init(.unavailable, "the state cannot be written", cause: error)
        }
    }
}
