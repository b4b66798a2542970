// SPDX-License-Identifier: Apache-2.0

import KithModel

extension ReplicatedLog {
    /// Puts an operation where it belongs, and drops what it takes the place of; does nothing for one that is known.
    mutating func place(_ operation: Operation, now: WallTime, into outcome: inout LogOutcome) {
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

    /// Forgets an operation; its register has been seen to.
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
