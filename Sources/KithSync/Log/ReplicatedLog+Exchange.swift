// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Why what a kin sent was not taken in.
package enum SyncProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// Kin have written more than a log holds.
    case tooMuch(String)

    package var description: String {
        switch self {
        case .tooMuch(let what): "kin hold more \(what) than this node keeps"
        }
    }
}

extension ReplicatedLog {
    /// What to tell somebody who knows this much: as much of what they lack as one message holds.
    package func message(for known: VersionVector, budget: SyncBudget = .standard) -> SyncMessage {
        // Who has not heard of a removal that is forgotten here may hold what was removed.
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
    /// - Throws: ``SyncProblem``; nothing has changed then.
    package mutating func take(
        _ message: SyncMessage, epoch: UInt64, now: WallTime
    ) throws(SyncProblem) -> LogOutcome {
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
            place(operation, now: now, into: &outcome)
        }
        guard range.upTo > known else { return }
        versions.raise(range.replica, to: range.upTo)
        outcome.transition.versions.set(range.replica, to: range.upTo)
    }

    /// What the sender has known and does not hold was superseded by something, or removed so long ago that the removal
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

    private func check(_ message: SyncMessage) throws(SyncProblem) {
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
