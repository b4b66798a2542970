// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
import Synchronization

/// The state that kin share, at this node: a write is on disk first, then visible here, then kin are told.
package final class SharedStateStore: SharedState {
    private let keeper: SharedLogWriter
    private let view: SharedView
    private let signal: Callback<LogOutcome>
    private let insightSignal: Callback<Set<InsightID>>
    private let standings = Mutex<[NodeID: KinSyncStatus]>([:])
    private let marks: SharedMarks
    private let counted = Mutex<(members: Set<NodeID>?, isAnew: Bool)>((nil, false))
    private let node: NodeID

    /// Reads what earlier runs have stored.
    ///
    /// - Parameters:
    ///   - log: What the store holds, where it has been read already.
    ///   - events: Receives an event for every level and every key of the context that reads differently.
    /// - Throws: `StateRefusal`.
    package static func open(
        store: any SharedLogStore, log: LogSnapshot? = nil, node: NodeID, events: EventHub,
        limits: LogLimits = .standard, clock: any TimeSource = MonotonicClock()
    ) async throws(StateRefusal) -> SharedStateStore {
        let (log, _) = try await SharedLogWriter.read(store, snapshot: log, node: node, limits: limits)
        return SharedStateStore(store: store, node: node, log: log, events: events, clock: clock)
    }

    private init(
        store: any SharedLogStore, node: NodeID, log: ReplicatedLog, events: EventHub, clock: any TimeSource
    ) {
        let view = SharedView(StateView(log), events: events)
        let signal = Callback<LogOutcome>()
        let insightSignal = Callback<Set<InsightID>>()
        let marks = SharedMarks(log.versions, clock: clock)
        self.view = view
        self.node = node
        self.marks = marks
        self.signal = signal
        self.insightSignal = insightSignal
        keeper = SharedLogWriter(store: store, node: node, log: log) { outcome, log in
            view.update(outcome, log)
            marks.note(log.versions)
            let insights = outcome.changed.compactMap { register in
                if case .insight(let name) = register { InsightID(name) } else { nil }
            }
            if !insights.isEmpty { insightSignal(Set(insights)) }
            signal(outcome)
        }
    }

    // MARK: Reading

    package func level(of source: StateSource) -> LevelEntry? { view.read { $0.level(of: source) } }

    package func levels() -> [LevelEntry] { view.read { $0.levels } }

    package func context() -> [ContextEntry] { view.read { $0.context } }

    package func context(of key: String) -> ContextEntry? { view.read { $0.contextEntry(.context(key)) } }

    /// What stands in the registers of a kind, each with its latest value; in no order.
    package func entries(of kind: RegisterKey.Kind) -> [SharedEntry] { view.read { $0.entries(of: kind) } }

    /// All of the culture that kin share, in no order.
    package func insights() -> [Insight] { view.read { $0.insights } }

    /// `nil` when there is none, or the stored one breaks the rules.
    package func insight(_ id: InsightID) -> Insight? { view.read { $0.insight(.insight(id.rawValue)) } }

    package var versions: VersionVector { view.read { $0.versions } }

    /// Nodes whose logs are known, with how much is kept of each.
    package var authors: [NodeID: (logs: Int, operations: Int)] { view.read { $0.authors } }

    package func report() -> SyncReport {
        let standings = standings.withLock { $0 }
        return view.read { view in
            SyncReport(
                versions: view.versions, operations: view.operations, quarantined: view.quarantined,
                kin: standings.keys.sorted().compactMap { id in
                    standings[id].map { $0.report(id, own: view.versions, lag: $0.versions.map(marks.lag)) }
                })
        }
    }

    // MARK: Changing

    @discardableResult
    package func write(_ changes: [StateChange], delivery: DeliveryKey?) async throws(StateRefusal) -> Bool {
        let writes = try changes.map { change throws(StateRefusal) in try LocalWrite(change) }
        do {
            guard case .written(let isNew) = try await keeper.perform(.write(writes, delivery: delivery)) else {
                return false
            }
            return isNew
        } catch {
            throw StateRefusal(error)
        }
    }

    /// Takes in what a kin sent, in parts between which this node's own writes are made.
    ///
    /// - Returns: Why not all was taken.
    @discardableResult
    package func take(_ message: SyncMessage, from sender: NodeID? = nil) async throws -> Set<LogRefusal> {
        var refusals: Set<LogRefusal> = []
        for part in message.parts(of: SharedLogWriter.operationLimit) {
            guard case .taken(let reasons) = try await keeper.perform(.take(part, from: sender)) else { continue }
            refusals.formUnion(reasons)
        }
        return refusals
    }

    /// What to tell a node that knows this much.
    ///
    /// - Parameter stalled: Logs of which it takes no more.
    package func message(for known: VersionVector, except stalled: Set<Replica> = []) async throws -> SyncMessage {
        guard case .message(let message) = try await keeper.perform(.ask(known, except: stalled)) else {
            return SyncMessage(versions: VersionVector())
        }
        return message
    }

    /// Does what is due by time; see `ReplicatedLog.compact(now:)`.
    package func compact() async throws { _ = try await keeper.perform(.compact) }

    // MARK: Kin

    /// The nodes whose writes count, with this one; `nil` for all.
    package var members: Set<NodeID>? { counted.withLock { $0.members } }

    /// From now on only what these nodes write counts, and this one; what is on its way of others is read no more.
    ///
    /// - Parameter hadLiar: Whether one that does not count any more may have lied about what this node wrote.
    package func count(only kin: Set<NodeID>, hadLiar: Bool = false) {
        counted.withLock { $0 = (kin.union([node]), $0.isAnew || hadLiar) }
    }

    /// Removes all that others than the nodes that count have written, on disk too.
    package func removeOthers() async throws {
        let (members, isAnew) = counted.withLock { counted in
            defer { counted.isAnew = false }
            return (counted.members, counted.isAnew)
        }
        guard let members else { return }
        do {
            _ = try await keeper.perform(.keep(members, anew: isAnew))
        } catch {
            if isAnew { counted.withLock { $0.isAnew = true } }
            throw error
        }
    }

    /// Calls `action` with every change that is on disk; from the task that made it.
    package func whenChanged(_ action: @escaping @Sendable (LogOutcome) -> Void) { signal.set(action) }

    /// Calls `action` with the insights that read differently, from the task that made the change.
    package func whenInsightsChange(_ action: @escaping @Sendable (Set<InsightID>) -> Void) {
        insightSignal.set(action)
    }

    package func standing(of id: NodeID) -> KinSyncStatus? { standings.withLock { $0[id] } }

    /// Does nothing for a node that is no longer kin: an exchange may end after its kin was forgotten.
    package func note(_ id: NodeID, _ change: (inout KinSyncStatus) -> Void) {
        standings.withLock { standings in
            guard var standing = standings[id] else { return }
            change(&standing)
            standings[id] = standing
        }
    }

    /// Forgets the status of all other nodes.
    package func keepStandings(of kin: Set<NodeID>) {
        standings.withLock { standings in
            standings = standings.filter { kin.contains($0.key) }
            for id in kin where standings[id] == nil { standings[id] = KinSyncStatus(unreachableSince: .now()) }
        }
    }
}

extension LocalWrite {
    fileprivate init(_ change: StateChange) throws(StateRefusal) {
        if change.register.kind == .level, let value = change.value, StateView.level(value) == nil {
            throw StateRefusal(.invalid, "a level must be a number from 0 to 10")
        }
        do {
            self.init(change.register, by: change.source, value: try change.value.map(JSONBody.encodeSorted))
        } catch {
            throw StateRefusal(.invalid, "the value holds a number that JSON cannot", cause: error)
        }
    }
}

/// What stands in one register.
package struct SharedEntry: Hashable, Sendable {
    package var name: String
    package var value: JSONValue
    package var writtenBy: NodeID
}

/// How far a kin is known to be in step.
package struct KinSyncStatus: Sendable {
    /// What it said last that it knows, as far as this node knows such logs.
    package var versions: VersionVector?
    package var exchangedAt: WallTime?
    /// `nil` while it can be reached.
    package var unreachableSince: WallTime?
    package var problem: String?
    /// Why not all that it sent last was taken.
    package var refused: String?

    func report(_ id: NodeID, own: VersionVector, lag: Duration?) -> SyncReport.Kin {
        SyncReport.Kin(
            id: id, versions: versions, behind: versions.map { $0.lag(behind: own) } ?? 0,
            ahead: versions.map { own.lag(behind: $0) } ?? 0, lag: lag, exchangedAt: exchangedAt,
            unreachableSince: unreachableSince, problem: problem ?? refused)
    }
}
