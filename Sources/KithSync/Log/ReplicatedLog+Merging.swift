// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Why a message of a kin was not taken in.
package enum SyncError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Kin have written more than a log holds.
    case tooMuch(String)

    package var description: String {
        switch self {
        case .tooMuch(let what): "kin hold more \(what) than this node keeps"
        }
    }
}

extension ReplicatedLog {
    /// What to tell a node that knows this much: as much of what it lacks as one message holds.
    package func message(for known: VersionVector, budget: SyncBudget = .standard) -> SyncMessage {
        // A node that has not heard of a removal that is forgotten here may hold what was removed.
        let isWhole = !known.covers(floor)
        var left = budget
        var ranges: [SyncMessage.Range] = []
        for replica in versions.sequences.keys.sorted() where versions[replica] > known[replica] {
            guard left.isOpen else { break }
            ranges.append(range(of: replica, after: known[replica], budget: &left))
        }
        return SyncMessage(
            versions: versions, floor: floor, isComplete: left.isOpen, ranges: ranges,
            holdings: isWhole ? holdings(within: known) : nil)
    }

    private func holdings(within known: VersionVector) -> [SyncMessage.Holding] {
        known.sequences.keys.sorted().compactMap { replica in
            let upTo = min(known[replica], versions[replica])
            guard upTo > 0 else { return nil }
            let held = logs[replica].map { log in
                log.operations(after: 0).map(\.id.sequence).filter { $0 <= upTo }
            }
            return SyncMessage.Holding(replica: replica, upTo: upTo, sequences: held ?? [])
        }
    }

    private func range(of replica: Replica, after since: UInt64, budget: inout SyncBudget) -> SyncMessage.Range {
        var range = SyncMessage.Range(replica: replica, since: since, upTo: versions[replica], operations: [])
        guard let log = logs[replica] else { return range }
        for operation in log.operations(after: since) {
            guard budget.take(operation) else {
                range.upTo = operation.id.sequence - 1
                break
            }
            range.operations.append(operation)
        }
        return range
    }

    /// Takes in what a kin sent.
    ///
    /// - Parameter epoch: A fresh random number, for a log that turns out to be an older copy of itself.
    /// - Throws: ``SyncError``; nothing has changed then.
    package mutating func take(
        _ message: SyncMessage, epoch: UInt64, now: WallTime
    ) throws(SyncError) -> LogOutcome {
        try check(message)
        var outcome = LogOutcome()
        if message.versions[own] > versions[own] { beginAnew(epoch: epoch, now: now, into: &outcome) }
        for holding in message.holdings ?? [] { dropUnheld(by: holding, into: &outcome) }
        for range in message.ranges { take(range, of: message, now: now, into: &outcome) }
        if message.holdings != nil { raiseFloor(to: message.floor, into: &outcome) }
        return outcome
    }

    private mutating func take(
        _ range: SyncMessage.Range, of message: SyncMessage, now: WallTime, into outcome: inout LogOutcome
    ) {
        let known = versions[range.replica]
        // Something between is missing here; it will be asked for.
        guard range.since <= known else { return }
        if message.holdings != nil {
            let held = range.operations.map(\.id.sequence)
            dropUnheld(by: range.replica, after: range.since, upTo: range.upTo, held: held, into: &outcome)
        }
        for operation in range.operations where operation.id.sequence > known {
            merge(operation, now: now, into: &outcome)
        }
        guard range.upTo > known else { return }
        versions.raise(range.replica, to: range.upTo)
        outcome.transition.versions.set(range.replica, to: range.upTo)
    }

    /// Drops what the sender has known and no longer holds: it was superseded, or removed so long ago that the removal
    /// itself is forgotten (the optimised observed-remove set of Bieniusa et al., 2012).
    private mutating func dropUnheld(by holding: SyncMessage.Holding, into outcome: inout LogOutcome) {
        dropUnheld(by: holding.replica, after: 0, upTo: holding.upTo, held: holding.sequences, into: &outcome)
    }

    private mutating func dropUnheld(
        by replica: Replica, after since: UInt64, upTo: UInt64, held: [UInt64], into outcome: inout LogOutcome
    ) {
        guard let log = logs[replica], upTo > since else { return }
        let held = Set(held)
        let gone = log.operations(after: since).prefix { $0.id.sequence <= upTo }
            .filter { !held.contains($0.id.sequence) }
        for operation in Array(gone) { withdraw(operation, into: &outcome) }
    }

    private mutating func raiseFloor(to other: VersionVector, into outcome: inout LogOutcome) {
        for (replica, sequence) in other.sequences where sequence > floor[replica] {
            floor.raise(replica, to: sequence)
            outcome.transition.floor.set(replica, to: sequence)
        }
    }

    /// Others know writes of this log that this node has lost, so its numbers are taken: it begins another log, writes again
    /// what it has written since it was opened, and asks for what it lost.
    private mutating func beginAnew(epoch: UInt64, now: WallTime, into outcome: inout LogOutcome) {
        let old = own
        let since = opened
        let written = logs[old].map { Array($0.operations(after: since)) } ?? []
        own = Replica(node: node, epoch: epoch)
        opened = 0
        outcome.transition.own = own
        outcome.wasRestored = true
        for operation in written {
            var seen = operation.seen
            seen.note(operation.id)
            append(
                LocalWrite(operation.register, by: operation.source, value: operation.value), seen: seen, now: now,
                into: &outcome)
            if logs[old]?[operation.id.sequence] != nil { withdraw(operation, into: &outcome) }
        }
        outcome.transition.versions.set(own, to: versions[own])
        versions.set(old, to: since)
        outcome.transition.versions.set(old, to: since)
    }

    private func check(_ message: SyncMessage) throws(SyncError) {
        var replicas = versions
        replicas.merge(message.versions)
        guard replicas.sequences.count <= limits.replicas * LogLimits.headroom else { throw .tooMuch("logs") }
        var bytes = valueBytes
        var added: [RegisterKey.Kind: Int] = [:]
        for operation in message.ranges.lazy.flatMap(\.operations) {
            bytes += operation.value?.count ?? 0
            if operation.value != nil, registers[operation.register] == nil {
                added[operation.register.kind, default: 0] += 1
            }
        }
        guard bytes <= limits.valueBytes * LogLimits.headroom else { throw .tooMuch("bytes of values") }
        for (kind, count) in added where self.count(of: kind) + count > limits.registers(kind) * LogLimits.headroom {
            throw .tooMuch("entries of one kind")
        }
    }
}

extension ReplicatedLog {
    /// Puts an operation where it belongs, and drops what it replaces; does nothing for one that is known.
    mutating func merge(_ operation: Operation, now: WallTime, into outcome: inout LogOutcome) {
        guard self.operation(operation.id) == nil else { return }
        if HybridClock.isAhead(operation.time, of: now) {
            quarantine[operation.id] = operation
            keep(operation, into: &outcome)
            return
        }
        clock.observe(operation.time, now: now)
        settle(operation, isKept: false, into: &outcome)
    }

    /// - Parameter isKept: Whether it comes out of quarantine.
    mutating func settle(_ operation: Operation, isKept: Bool, into outcome: inout LogOutcome) {
        let register = operation.register
        let present = registers[register] ?? []
        if present.contains(where: { self.operation($0)?.seen.covers(operation.id) == true }) {
            // It was superseded before it came. It counts as known, and nothing is left of it.
            if isKept { drop(operation.id, into: &outcome) }
            return
        }
        let superseded = present.filter { operation.seen.covers($0) }
        if !isKept { keep(operation, into: &outcome) }
        setWrites(present.filter { !superseded.contains($0) } + [operation.id], in: register)
        for id in superseded { drop(id, into: &outcome) }
        if !quarantine.isEmpty { dropQuarantined(supersededBy: operation, into: &outcome) }
        outcome.changed.insert(register)
    }

    private mutating func keep(_ operation: Operation, into outcome: inout LogOutcome) {
        logs[operation.id.replica, default: ReplicaLog()].insert(operation)
        valueBytes += operation.value?.count ?? 0
        outcome.transition.inserted.append(operation)
    }

    /// Forgets an operation; its register has been updated.
    mutating func drop(_ id: OperationID, into outcome: inout LogOutcome) {
        guard let removed = logs[id.replica]?.remove(id.sequence) else { return }
        valueBytes -= removed.value?.count ?? 0
        quarantine[id] = nil
        outcome.transition.removed.append(id)
    }

    /// Forgets an operation and takes it out of its register.
    mutating func withdraw(_ operation: Operation, into outcome: inout LogOutcome) {
        guard let present = registers[operation.register], present.contains(operation.id) else {
            return drop(operation.id, into: &outcome)
        }
        setWrites(present.filter { $0 != operation.id }, in: operation.register)
        drop(operation.id, into: &outcome)
        outcome.changed.insert(operation.register)
    }

    private mutating func setWrites(_ ids: [OperationID], in register: RegisterKey) {
        if let present = registers[register] { count(present, of: register.kind, by: -1) }
        if ids.isEmpty {
            registers[register] = nil
        } else {
            registers[register] = ids
            count(ids, of: register.kind, by: 1)
        }
    }

    private mutating func count(_ ids: [OperationID], of kind: RegisterKey.Kind, by step: Int) {
        if isShown(ids) { registerCounts[kind, default: 0] += step } else { removals += step }
    }

    /// Whether any of these writes is not a removal.
    func isShown(_ ids: [OperationID]) -> Bool { ids.contains { operation($0)?.value != nil } }

    private mutating func dropQuarantined(supersededBy operation: Operation, into outcome: inout LogOutcome) {
        let superseded = quarantine.values.filter {
            $0.register == operation.register && operation.seen.covers($0.id)
        }
        for held in superseded { drop(held.id, into: &outcome) }
    }
}

extension ReplicatedLog {
    /// Does what is due by time: operations whose time has come leave quarantine, and removals that are old enough are
    /// forgotten.
    package mutating func compact(now: WallTime) -> LogOutcome {
        var outcome = LogOutcome()
        release(now: now, into: &outcome)
        forgetRemovals(before: now.advanced(by: .zero - limits.removalLife), into: &outcome)
        return outcome
    }

    /// When the next operation leaves quarantine.
    package var nextRelease: WallTime? { quarantine.values.map { HybridClock.release(of: $0.time) }.min() }

    private mutating func release(now: WallTime, into outcome: inout LogOutcome) {
        guard !quarantine.isEmpty else { return }
        let due = quarantine.values.filter { !HybridClock.isAhead($0.time, of: now) }.sorted { $0.id < $1.id }
        for operation in due {
            quarantine[operation.id] = nil
            clock.observe(operation.time, now: now)
            settle(operation, isKept: true, into: &outcome)
        }
    }

    /// Only in registers that hold nothing but removals: beside a value they still say which writes it does not replace.
    private mutating func forgetRemovals(before limit: WallTime, into outcome: inout LogOutcome) {
        guard removals > 0 else { return }
        var removed: [(at: HybridTime, operations: [Operation])] = []
        for ids in registers.values where !isShown(ids) {
            let operations = ids.compactMap(operation)
            removed.append((operations.map(\.time).max() ?? HybridTime(bits: 0), operations))
        }
        removed.sort { $0.at < $1.at }
        let excess = removed.count - limits.removals
        for (index, entry) in removed.enumerated() where index < excess || entry.at.wall < limit {
            for operation in entry.operations { forget(operation, into: &outcome) }
        }
    }

    private mutating func forget(_ operation: Operation, into outcome: inout LogOutcome) {
        withdraw(operation, into: &outcome)
        floor.note(operation.id)
        outcome.transition.floor.set(operation.id.replica, to: floor[operation.id.replica])
    }
}
