// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithStore
import KithTrust
package import Logging
import Synchronization

/// Where the audit trail goes besides the database. Called about once a second, never twice at the same time.
package protocol AuditOutlet: Sendable {
    /// For the log.
    var name: String { get }

    /// Must not wait for long. What it throws is logged; the lines are not offered again.
    func write(_ records: [AuditRecord]) throws
}

/// Writes the audit trail to the log at once, and to the store and the outlets within a second.
package final class StoreAuditTrail: AuditTrail {
    /// Between two writes to the store.
    package static let pause = Duration.seconds(1)
    /// Lines that wait for the store; beyond it the oldest that are no act of the owner are in the log only.
    static let waitingLimit = 1_024

    fileprivate struct State: Sendable {
        var aggregator = AuditAggregator()
        var waiting: [AuditRecord] = []
        /// Of those that wait, the outlets have had all but these, the last ones: they do not wait for the store.
        var unoffered: [AuditRecord] = []
    }

    private let state = Mutex(State())
    private let store: Store
    private let outlets: [any AuditOutlet]
    private let logger: Logger
    private let clock: any TimeSource
    /// There is something to write.
    private let lines: AsyncStream<Void>
    private let noteLines: AsyncStream<Void>.Continuation
    private let onRecord = CallbackList<(kind: AuditRecord.Kind, reason: String)>()

    package init(store: Store, outlets: [any AuditOutlet] = [], logger: Logger, clock: any TimeSource) {
        self.store = store
        self.outlets = outlets
        self.logger = logger
        self.clock = clock
        (lines, noteLines) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// - Parameter onRecord: Called for each thing that is recorded from now on, with its kind and reason; must not wait.
    package func whenRecorded(_ onRecord: @escaping @Sendable (AuditRecord.Kind, String) -> Void) {
        self.onRecord.add { onRecord($0.kind, $0.reason) }
    }

    package func record(_ kind: AuditRecord.Kind, subject: String?, source: String?, reason: String) {
        onRecord((kind, reason))
        let now = clock.now
        let lines = state.withLock { state in
            let lines = state.aggregator.record(
                kind, subject: subject, source: source, reason: reason, at: .now(), now: now)
            state.keep(lines)
            return lines
        }
        for line in lines { log(line) }
        noteLines.yield()
    }

    /// Writes what is waiting until the task is cancelled, and then once more. Sleeps while there is nothing to write.
    package func run() async {
        await withDiscardingTaskGroup { group in
            var awaited: MonotonicInstant?
            for await _ in lines {
                do { try await clock.sleep(for: Self.pause) } catch { break }
                await write(isLast: false)
                let (due, isLeft) = state.withLock { ($0.aggregator.nextDue, !$0.waiting.isEmpty) }
                if isLeft { noteLines.yield() }  // the store did not take it
                guard let due, due != awaited else { continue }
                awaited = due
                group.addTask {
                    do { try await self.clock.sleep(until: due, tolerance: nil) } catch { return }
                    self.noteLines.yield()
                }
            }
            group.cancelAll()
        }
        await write(isLast: true)
    }

    private func offer(_ records: [AuditRecord]) {
        if records.isEmpty { return }
        for outlet in outlets {
            do {
                try outlet.write(records)
            } catch {
                logger.error(
                    "audit trail is in the database only", metadata: ["place": "\(outlet.name)", "reason": "\(error)"])
            }
        }
    }

    private func write(isLast: Bool) async {
        let now = clock.now
        let (counted, waiting, unoffered) = state.withLock { state in
            let counted = isLast ? state.aggregator.flush() : state.aggregator.due(now: now)
            state.keep(counted)
            defer { (state.waiting, state.unoffered) = ([], []) }
            return (counted, state.waiting, state.unoffered)
        }
        for line in counted { log(line) }
        offer(unoffered)
        do {
            try await store.appendAudit(waiting)
        } catch {
            logger.error("audit trail not saved", metadata: ["reason": "\(error)"])
            state.withLock { $0.keepAgain(waiting) }
        }
    }

    private func log(_ record: AuditRecord) {
        var metadata: Logger.Metadata = ["kind": "\(record.kind.rawValue)", "reason": "\(record.reason)"]
        if let subject = record.subject { metadata["subject"] = "\(subject)" }
        if let source = record.source { metadata["source"] = "\(source)" }
        if record.count > 1 { metadata["count"] = "\(record.count)" }
        logger.notice("audit", metadata: metadata)
    }
}

extension StoreAuditTrail.State {
    fileprivate mutating func keep(_ records: [AuditRecord]) {
        Self.add(records, to: &waiting)
        Self.add(records, to: &unoffered)
    }

    fileprivate mutating func keepAgain(_ records: [AuditRecord]) {
        let later = waiting
        waiting = records
        Self.add(later, to: &waiting)
    }

    /// The oldest go first where there are too many, and of all the owner's own acts last.
    private static func add(_ records: [AuditRecord], to kept: inout [AuditRecord]) {
        kept.append(contentsOf: records)
        var surplus = kept.count - StoreAuditTrail.waitingLimit
        guard surplus > 0 else { return }
        kept.removeAll { record in
            guard surplus > 0, !record.kind.isOwnersAct else { return false }
            surplus -= 1
            return true
        }
        kept.removeFirst(max(0, surplus))
    }
}
