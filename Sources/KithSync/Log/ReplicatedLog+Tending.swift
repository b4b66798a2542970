// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension ReplicatedLog {
    /// Lets go of what time has done with: operations whose time has come leave quarantine, and removals that are old
    /// enough are forgotten.
    package mutating func tend(now: WallTime) -> LogOutcome {
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

    /// Only where nothing but removals is left: beside a value they still say what it does not take the place of.
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
