// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension ReplicatedLog {
    /// What to tell a node that knows this much: as much of what it lacks as one message holds.
    ///
    /// - Parameter stalled: Logs of which it takes no more.
    package func message(
        for known: VersionVector, except stalled: Set<Replica> = [], budget: SyncBudget = .standard
    ) -> SyncMessage {
        // A node that has not heard of a removal that is forgotten here may hold what was removed.
        let floor = knownFloor
        let isWhole = !known.covers(floor)
        var left = budget
        var ranges: [SyncMessage.Range] = []
        for replica in lacking(in: known) where !stalled.contains(replica) {
            guard left.isOpen else { break }
            ranges.append(range(of: replica, after: known[replica], budget: &left))
        }
        // The first is always this node's own log, so that the other knows which that is.
        if let first = ranges.first, first.replica != own, versions[own] > 0 {
            let upTo = min(known[own], versions[own])
            ranges.insert(.init(replica: own, since: upTo, upTo: upTo, operations: []), at: 0)
        }
        return SyncMessage(
            versions: versions, floor: floor, isComplete: left.isOpen, ranges: ranges,
            holdings: isWhole ? holdings(within: known) : nil)
    }

    /// The logs of which it lacks something: this node's own first, then those of which it lacks least, so that one that is
    /// written to without end keeps no other back.
    private func lacking(in known: VersionVector) -> [Replica] {
        versions.sequences.keys
            .filter { versions[$0] > known[$0] }
            .map { ($0, $0 == own ? 0 : versions[$0] - known[$0]) }
            .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
            .map(\.0)
    }

    /// The floor, as far as this node knows the operations below it: a kin may claim more.
    private var knownFloor: VersionVector {
        VersionVector(floor.sequences.reduce(into: [:]) { $0[$1.key] = min($1.value, versions[$1.key]) })
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

    /// Takes in what a kin sent: what nobody admitted does not count, and what is beyond a node's share is left out, to be
    /// asked for again.
    ///
    /// - Parameters:
    ///   - sender: Whose word about its own logs is better than that of others; `nil` where that is not known.
    ///   - epoch: A fresh random number, for a log that turns out to be an older copy of itself.
    package mutating func take(
        _ message: SyncMessage, from sender: NodeID? = nil, epoch: UInt64, now: WallTime
    ) -> LogOutcome {
        var outcome = LogOutcome()
        let claimed = message.ranges.filter { $0.replica == own }.map(\.upTo).max() ?? 0
        let isDisputed = max(message.versions[own], claimed) > versions[own]
        if isDisputed, mayBeginAnew(now: now) { beginAnew(epoch: epoch, now: now, into: &outcome) }
        for holding in message.holdings ?? [] where counts(holding.replica) && !(isDisputed && holding.replica == own) {
            dropUnheld(by: holding, from: sender, now: now, into: &outcome)
        }
        // A node tells of the log that it writes in first.
        let current = message.ranges.first.flatMap { $0.replica.node == sender ? $0.replica : nil }
        for range in message.ranges where counts(range.replica) && range.replica != own {
            take(range, of: message, from: sender, isCurrent: range.replica == current, now: now, into: &outcome)
        }
        if message.holdings != nil { raiseFloor(to: message.floor, into: &outcome) }
        return outcome
    }

    private mutating func take(
        _ range: SyncMessage.Range, of message: SyncMessage, from sender: NodeID?, isCurrent: Bool, now: WallTime,
        into outcome: inout LogOutcome
    ) {
        let known = versions[range.replica]
        // Something between is missing here; it will be asked for.
        guard range.since <= known, admits(range.replica, isCurrent: isCurrent, into: &outcome) else { return }
        if message.holdings != nil {
            let held = range.operations.map(\.id.sequence)
            dropUnheld(
                by: range.replica, after: range.since, upTo: range.upTo, held: held, from: sender, now: now,
                into: &outcome)
        }
        var upTo = range.upTo
        for operation in range.operations where operation.id.sequence > known {
            if let refusal = merge(operation, now: now, into: &outcome) {
                outcome.refusals.insert(refusal)
                upTo = operation.id.sequence - 1
                break
            }
        }
        guard upTo > known else { return }
        note(range.replica, upTo: upTo, into: &outcome)
    }

    private mutating func note(_ replica: Replica, upTo: UInt64, into outcome: inout LogOutcome) {
        if versions[replica] == 0 { logCounts[replica.node, default: 0] += 1 }
        versions.raise(replica, to: upTo)
        outcome.transition.versions.set(replica, to: upTo)
        outcome.transition.forgotten.removeAll { $0 == replica }
    }

    // MARK: Whose logs count

    /// Whether the writes of the log's node count.
    func counts(_ replica: Replica) -> Bool {
        replica.node == node || members?.contains(replica.node) ?? true
    }

    /// Whether one more log may be known, if this one is not. One of the same node of which nothing is left makes room; and for
    /// the log that a node writes in, by its own word, the one that holds least: others cannot use its places up.
    private mutating func admits(_ replica: Replica, isCurrent: Bool, into outcome: inout LogOutcome) -> Bool {
        if versions[replica] > 0 { return true }
        guard let count = logCounts[replica.node] else {
            if logCounts.count < limits.authors || replica.node == node { return true }
            outcome.refusals.insert(.tooManyWriters(replica.node))
            return false
        }
        if count < limits.logsPerAuthor { return true }
        let others = versions.sequences.keys.filter { $0.node == replica.node && $0 != own }
        let least = others.min { (logs[$0]?.count ?? 0, $0) < (logs[$1]?.count ?? 0, $1) }
        guard let least, isCurrent || (logs[least]?.count ?? 0) == 0 else {
            outcome.refusals.insert(.tooManyLogs(replica.node))
            return false
        }
        forget(least, into: &outcome)
        return true
    }

    /// As if nothing had ever been heard of this log.
    private mutating func forget(_ replica: Replica, into outcome: inout LogOutcome) {
        for operation in logs[replica].map({ Array($0.operations(after: 0)) }) ?? [] {
            withdraw(operation, into: &outcome)
        }
        versions.set(replica, to: 0)
        outcome.transition.versions.set(replica, to: 0)
        outcome.transition.forgotten.append(replica)
        floor.set(replica, to: 0)
        outcome.transition.floor.set(replica, to: 0)
        logs[replica] = nil
        logCounts[replica.node, default: 1] -= 1
    }

    /// Drops what the sender has known and no longer holds: it was superseded, or removed so long ago that the removal
    /// itself is forgotten (the optimised observed-remove set of Bieniusa et al., 2012).
    ///
    /// A removal is forgotten when it is old, so that what it removed is older: nobody's word drops what is younger, but that of
    /// the node whose log it is. One stolen machine does not erase what the others wrote lately.
    private mutating func dropUnheld(
        by holding: SyncMessage.Holding, from sender: NodeID?, now: WallTime, into outcome: inout LogOutcome
    ) {
        dropUnheld(
            by: holding.replica, after: 0, upTo: holding.upTo, held: holding.sequences, from: sender, now: now,
            into: &outcome)
    }

    private mutating func dropUnheld(
        by replica: Replica, after since: UInt64, upTo: UInt64, held: [UInt64], from sender: NodeID?, now: WallTime,
        into outcome: inout LogOutcome
    ) {
        let isOwners = sender == nil || replica.node == sender
        let limit = now.advanced(by: .zero - limits.removalLife)
        guard let log = logs[replica], upTo > since else { return }
        let held = Set(held)
        let gone = log.operations(after: since).prefix { $0.id.sequence <= upTo }
            .filter { !held.contains($0.id.sequence) && (isOwners || $0.time.wall < limit) }
        for operation in Array(gone) { withdraw(operation, into: &outcome) }
    }

    private mutating func raiseFloor(to other: VersionVector, into outcome: inout LogOutcome) {
        for (replica, sequence) in other.sequences where sequence > floor[replica] && versions[replica] > 0 {
            floor.raise(replica, to: sequence)
            outcome.transition.floor.set(replica, to: sequence)
        }
    }

    /// A kin that claims to know more of this node's log than there is makes it write again what it has written: not more
    /// often than this.
    private static let anewPause = Duration.seconds(60)

    private func mayBeginAnew(now: WallTime) -> Bool {
        guard let begunAnew else { return true }
        return now < begunAnew || now >= begunAnew.advanced(by: Self.anewPause)
    }

    /// Others know writes of this log that this node has lost, so its numbers are taken: it begins another log, writes again
    /// what it has written since it was opened, and asks for what it lost.
    ///
    /// - Parameter isWhole: Whether all is written again that the old log holds, since others may have been told that they have it.
    mutating func beginAnew(
        epoch: UInt64, isWhole: Bool = false, now: WallTime, into outcome: inout LogOutcome
    ) {
        let old = own
        let since = isWhole ? 0 : opened
        let written = logs[old].map { Array($0.operations(after: since)) } ?? []
        let fresh = Replica(node: node, epoch: epoch)
        // While the old log is this node's own, it is not the one that makes room.
        _ = admits(fresh, isCurrent: true, into: &outcome)
        own = fresh
        opened = 0
        begunAnew = now
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
        if versions[old] > 0, since == 0 { logCounts[node, default: 1] -= 1 }
        versions.set(old, to: since)
        outcome.transition.versions.set(old, to: since)
    }
}

extension ReplicatedLog {
    /// Puts an operation where it belongs, and drops what it replaces; does nothing for one that is known.
    ///
    /// - Parameter isOurs: Whether it is this node's own, or was stored: it is never refused then.
    /// - Returns: Why it was not taken.
    @discardableResult
    mutating func merge(
        _ operation: Operation, isOurs: Bool = false, now: WallTime, into outcome: inout LogOutcome
    ) -> LogRefusal? {
        guard self.operation(operation.id) == nil else { return nil }
        let isAhead = HybridClock.isAhead(operation.time, of: now)
        if !isOurs, let refusal = refusal(of: operation, isAhead: isAhead) { return refusal }
        let operation = counted(operation)
        if isAhead {
            quarantine.insert(operation)
            keep(operation, into: &outcome)
            return nil
        }
        clock.observe(operation.time, now: now)
        settle(operation, isKept: false, into: &outcome)
        return nil
    }

    /// Without the mention of logs that do not count.
    func counted(_ operation: Operation) -> Operation {
        guard members != nil, !operation.seen.sequences.keys.allSatisfy(counts) else { return operation }
        return operation.seeing(VersionVector(operation.seen.sequences.filter { counts($0.key) }))
    }

    /// - Parameter isKept: Whether it comes out of quarantine.
    mutating func settle(_ operation: Operation, isKept: Bool, into outcome: inout LogOutcome) {
        let register = operation.register
        let present = registers[register] ?? []
        if present.contains(where: { self.operation($0)?.replaces(operation) == true }) {
            // It was superseded before it came. It counts as known, and nothing is left of it.
            if isKept { drop(operation.id, into: &outcome) }
            return
        }
        let superseded = present.filter { self.operation($0).map(operation.replaces) ?? true }
        if !isKept { keep(operation, into: &outcome) }
        let left = superseded.isEmpty ? present : present.filter { !superseded.contains($0) }
        setWrites(left + [operation.id], in: register)
        for id in superseded { drop(id, into: &outcome) }
        if !quarantine.isEmpty { dropQuarantined(supersededBy: operation, into: &outcome) }
        outcome.changed.insert(register)
    }

    private mutating func keep(_ operation: Operation, into outcome: inout LogOutcome) {
        logs[operation.id.replica, default: ReplicaLog()].insert(operation)
        shares.add(operation)
        outcome.transition.inserted.append(operation)
    }

    /// Forgets an operation; its register has been updated.
    mutating func drop(_ id: OperationID, into outcome: inout LogOutcome) {
        guard let removed = logs[id.replica]?.remove(id.sequence) else { return }
        shares.remove(removed)
        quarantine.remove(id)
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
        registers[register] = ids.isEmpty ? nil : ids
        if ids.isEmpty || isShown(ids) { removed.remove(register) } else { removed.insert(register) }
    }

    /// Whether any of these writes is not a removal.
    func isShown(_ ids: [OperationID]) -> Bool { ids.contains { operation($0)?.value != nil } }

    private mutating func dropQuarantined(supersededBy operation: Operation, into outcome: inout LogOutcome) {
        for held in quarantine.operations(of: operation.register) where operation.replaces(held) {
            drop(held.id, into: &outcome)
        }
    }
}

extension Operation {
    /// Whether this one takes the place of another in the same register. Of one log the later does; and of two that both claim
    /// to have seen the other, which cannot be, the later by its time.
    func replaces(_ other: Operation) -> Bool {
        if id.replica == other.id.replica { return id.sequence > other.id.sequence }
        guard seen.covers(other.id) else { return false }
        return !other.seen.covers(id) || (time, id) > (other.time, other.id)
    }

    func seeing(_ seen: VersionVector) -> Operation {
        Operation(id: id, time: time, register: register, source: source, value: value, seen: seen)
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

    private mutating func release(now: WallTime, into outcome: inout LogOutcome) {
        guard !quarantine.isEmpty else { return }
        let due = quarantine.operations.values.filter { !HybridClock.isAhead($0.time, of: now) }
        for operation in due.sorted(by: { $0.id < $1.id }) {
            quarantine.remove(operation.id)
            clock.observe(operation.time, now: now)
            settle(operation, isKept: true, into: &outcome)
        }
    }

    /// Only in registers that hold nothing but removals: beside a value they still say which writes it does not replace.
    private mutating func forgetRemovals(before limit: WallTime, into outcome: inout LogOutcome) {
        guard !removed.isEmpty else { return }
        var entries: [(at: HybridTime, operations: [Operation])] = []
        for register in removed {
            let operations = (registers[register] ?? []).compactMap(operation).sorted { $0.time > $1.time }
            if let latest = operations.first { entries.append((latest.time, operations)) }
        }
        entries.sort { $0.at > $1.at }
        var excess = entries.count - limits.removals
        // Of the others' removals as many of each node stay as fit if all had the same; the oldest go.
        var counts: [NodeID: Int] = [:]
        for entry in entries { counts[entry.operations[0].id.replica.node, default: 0] += 1 }
        let share = limits.removals / max(1, counts.count)
        for entry in entries.reversed() {
            let author = entry.operations[0].id.replica.node
            let isExcess = excess > 0 && counts[author, default: 0] > share
            guard isExcess || entry.at.wall < limit else { continue }
            counts[author, default: 0] -= 1
            excess -= 1
            for operation in entry.operations { forget(operation, into: &outcome) }
        }
    }

    private mutating func forget(_ operation: Operation, into outcome: inout LogOutcome) {
        withdraw(operation, into: &outcome)
        floor.note(operation.id)
        outcome.transition.floor.set(operation.id.replica, to: floor[operation.id.replica])
    }
}
