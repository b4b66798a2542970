// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension ReplicatedLog {
    /// Forgets everything of nodes that are not among these: their writes, that they ever wrote, and every mention of it.
    /// What they wrote over or removed does not come back.
    ///
    /// - Parameter anew: A fresh random number and the time, when one of those that go may have lied about this node's log: it
    ///   begins another then, so that all others take what it has written, whatever they were told.
    package mutating func keep(
        only members: Set<NodeID>, anew: (epoch: UInt64, now: WallTime)? = nil
    ) -> LogOutcome {
        var outcome = LogOutcome()
        let isNarrower = self.members.map { !$0.isSubset(of: members) } ?? true
        self.members = members
        guard isNarrower else { return outcome }
        let known = Set(versions.sequences.keys).union(floor.sequences.keys).union(logs.keys)
        let gone = known.filter { !counts($0) }
        for replica in gone {
            for operation in logs[replica].map({ Array($0.operations(after: 0)) }) ?? [] {
                withdraw(operation, into: &outcome)
            }
            logs[replica] = nil
            versions.set(replica, to: 0)
            floor.set(replica, to: 0)
            logCounts[replica.node] = nil
        }
        let isMentioned = dropMentions()
        guard !gone.isEmpty || isMentioned || anew != nil else { return outcome }
        outcome.transition.members = members.union([node])
        if let anew, versions[own] > 0 {
            beginAnew(epoch: anew.epoch, isWhole: true, now: anew.now, into: &outcome)
            outcome.wasRestored = false
        }
        return outcome
    }

    /// - Returns: Whether there were any of logs that do not count.
    private mutating func dropMentions() -> Bool {
        var isMentioned = false
        for replica in Array(logs.keys) {
            let changed = logs[replica].map { log in
                log.operations(after: 0).filter { !$0.seen.sequences.keys.allSatisfy(counts) }
            }
            for operation in changed ?? [] {
                isMentioned = true
                let counted = counted(operation)
                shares.remove(operation)
                shares.add(counted)
                logs[replica]?.replace(counted)
                if quarantine[operation.id] != nil {
                    quarantine.remove(operation.id)
                    quarantine.insert(counted)
                }
            }
        }
        return isMentioned
    }

    /// Nodes whose logs are known, with how much is kept of each.
    package var authors: [NodeID: (logs: Int, operations: Int)] {
        logCounts.filter { $0.value > 0 }.reduce(into: [:]) { authors, entry in
            authors[entry.key] = (entry.value, shares[entry.key].operations)
        }
    }
}
