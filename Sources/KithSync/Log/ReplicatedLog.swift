// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// One write that this node makes.
package struct LocalWrite: Hashable, Sendable {
    package var register: RegisterKey
    package var source: StateSource
    /// JSON text; `nil` removes the value.
    package var value: [UInt8]?

    package init(_ register: RegisterKey, by source: StateSource, value: [UInt8]?) {
        self.register = register
        self.source = source
        self.value = value
    }
}

/// What a step did: what is to be stored, and which registers may read differently now.
package struct LogOutcome: Hashable, Sendable {
    package var transition = LogTransition()
    package var changed: Set<RegisterKey> = []
    /// Others knew writes of this log that this node did not: its database is an older copy of itself.
    package var wasRestored = false
    /// Why not all that a kin sent was taken.
    package var refusals: Set<LogRefusal> = []

    package init() {}

    package mutating func append(_ next: LogOutcome) {
        transition.inserted += next.transition.inserted
        transition.removed += next.transition.removed
        for (replica, sequence) in next.transition.versions.sequences {
            transition.versions.set(replica, to: sequence)
        }
        transition.forgotten.removeAll { next.transition.versions[$0] > 0 }
        for replica in next.transition.forgotten { transition.versions.set(replica, to: 0) }
        transition.forgotten += next.transition.forgotten
        transition.floor.merge(next.transition.floor)
        transition.own = next.transition.own ?? transition.own
        changed.formUnion(next.changed)
        wasRestored = wasRestored || next.wasRestored
        refusals.formUnion(next.refusals)
        transition.members = next.transition.members ?? transition.members
    }
}

/// The state that kin share, as each of them holds it: for every register the writes that no later write has replaced.
///
/// A pure value. Two logs that have taken in the same operations, in whatever order and however often, read the same:
/// each operation names the writes to its register that its writer knew (a dotted version vector, Preguiça et al., 2010),
/// so a write replaces exactly those, and writes that did not know of each other are both kept. The version vector tells
/// what a log has taken in, so what was superseded need not be kept to be known.
package struct ReplicatedLog: Sendable {
    package let node: NodeID
    package let limits: LogLimits
    /// The nodes whose writes count; `nil` for all.
    package internal(set) var members: Set<NodeID>?
    /// The log in which this node writes.
    package internal(set) var own: Replica
    package internal(set) var versions: VersionVector
    /// Up to where removals have been dropped for their age.
    package internal(set) var floor: VersionVector
    var clock = HybridClock()
    var logs: [Replica: ReplicaLog] = [:]
    /// The operations of each register that no other has replaced; none of those in ``quarantine``.
    var registers: [RegisterKey: [OperationID]] = [:]
    /// Registers from which everything was removed.
    var removed: Set<RegisterKey> = []
    var shares = LogShares()
    var quarantine = Quarantine()
    /// How many logs of each node are known.
    var logCounts: [NodeID: Int] = [:]
    /// When this node last began another log because others knew its numbers.
    var begunAnew: WallTime?
    /// The last write of the log when it was opened: later ones are this run's.
    var opened: UInt64

    /// Reads what is stored.
    ///
    /// What is stored is kept, however much it is.
    ///
    /// - Parameter epoch: A fresh random number, for a log that has to be begun.
    /// - Returns: The log, and what is to be stored before it is used.
    package static func open(
        _ snapshot: LogSnapshot, node: NodeID, epoch: UInt64, limits: LogLimits = .standard, now: WallTime
    ) -> (log: ReplicatedLog, outcome: LogOutcome) {
        var outcome = LogOutcome()
        let kept = snapshot.own.flatMap { $0.node == node ? $0 : nil }
        let own = kept ?? Replica(node: node, epoch: epoch)
        if kept == nil { outcome.transition.own = own }
        var log = ReplicatedLog(node: node, own: own, snapshot: snapshot, limits: limits)
        for operation in snapshot.operations { log.merge(operation, isOurs: true, now: now, into: &outcome) }
        outcome.transition.inserted = []
        return (log, outcome)
    }

    private init(node: NodeID, own: Replica, snapshot: LogSnapshot, limits: LogLimits) {
        self.node = node
        self.own = own
        self.limits = limits
        versions = snapshot.versions
        floor = snapshot.floor
        opened = snapshot.versions[own]
        for replica in versions.sequences.keys { logCounts[replica.node, default: 0] += 1 }
    }

    /// Operations that are kept.
    package var count: Int { logs.values.reduce(0) { $0 + $1.count } }

    package var quarantined: Int { quarantine.count }

    func operation(_ id: OperationID) -> Operation? { logs[id.replica]?[id.sequence] }

    // MARK: Writing

    /// Makes writes of this node, all of them or none.
    ///
    /// - Throws: `StateRefusal` with `invalid` or `limitReached`.
    package mutating func write(_ writes: [LocalWrite], now: WallTime) throws(StateRefusal) -> LogOutcome {
        try check(writes)
        var outcome = LogOutcome()
        for write in writes { append(write, now: now, into: &outcome) }
        outcome.transition.versions.set(own, to: versions[own])
        return outcome
    }

    /// - Parameter seen: What the write replaces: all that is known, unless something else is given.
    mutating func append(
        _ write: LocalWrite, seen: VersionVector? = nil, now: WallTime, into outcome: inout LogOutcome
    ) {
        let id = OperationID(replica: own, sequence: versions[own] &+ 1)
        let operation = Operation(
            id: id, time: clock.tick(now: now), register: write.register, source: write.source, value: write.value,
            seen: seen ?? self.seen(of: write.register))
        if versions[own] == 0 { logCounts[node, default: 0] += 1 }
        versions.note(id)
        merge(operation, isOurs: true, now: now, into: &outcome)
    }

    /// Every write to the register that this node knows, and its own that nobody sees yet.
    private func seen(of register: RegisterKey) -> VersionVector {
        var seen = VersionVector()
        let held = quarantine.operations(of: register).filter { $0.id.replica == own }
        for operation in (registers[register] ?? []).compactMap(operation) + held {
            seen.merge(operation.seen)
            seen.note(operation.id)
        }
        guard seen.sequences.count > Operation.seenLimit else { return seen }
        // Replicas that have nothing left to be superseded go first.
        let kept = seen.sequences.sorted { (logs[$0.key]?.count ?? 0, $1.key) > (logs[$1.key]?.count ?? 0, $0.key) }
        return VersionVector(
            Dictionary(kept.prefix(Operation.seenLimit).map { ($0.key, $0.value) }, uniquingKeysWith: max))
    }
}

extension ReplicatedLog {
    /// The values of a register, the latest first; several where writers did not know of each other. Only the latest
    /// write of each source counts, and of equal values the latest.
    package func values(of register: RegisterKey) -> [Operation] {
        let written = (registers[register] ?? []).compactMap(operation).filter { $0.value != nil }
        guard written.count > 1 else { return written }
        var sources: Set<StateSource> = []
        var values: Set<[UInt8]> = []
        return
            written
            .sorted { ($0.time, $0.id) > ($1.time, $1.id) }
            .filter { sources.insert($0.source).inserted }
            .filter { values.insert($0.value ?? []).inserted }
    }

    /// What can be read: the registers that hold a value, with their values.
    package var shown: [RegisterKey: [Operation]] {
        registers.reduce(into: [:]) { shown, entry in
            let values = values(of: entry.key)
            if !values.isEmpty { shown[entry.key] = values }
        }
    }

    /// Everything that is kept, to be stored.
    package var snapshot: LogSnapshot {
        LogSnapshot(
            own: own, operations: logs.keys.sorted().flatMap { logs[$0].map { Array($0.operations(after: 0)) } ?? [] },
            versions: versions, floor: floor)
    }
}
