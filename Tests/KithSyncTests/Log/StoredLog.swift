// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithSync

/// What a database holds after the transitions of a log, so that tests can restart from it.
struct StoredLog {
    private(set) var own: Replica?
    private(set) var operations: [OperationID: Operation] = [:]
    private(set) var versions = VersionVector()
    private(set) var floor = VersionVector()

    mutating func commit(_ transition: LogTransition) {
        if let members = transition.members { keep(of: members) }
        own = transition.own ?? own
        for operation in transition.inserted { operations[operation.id] = operation }
        for id in transition.removed { operations[id] = nil }
        for (replica, sequence) in transition.versions.sequences { versions.set(replica, to: sequence) }
        for (replica, sequence) in transition.floor.sequences { floor.set(replica, to: sequence) }
        for replica in transition.forgotten {
            versions.set(replica, to: 0)
            floor.set(replica, to: 0)
        }
    }

    mutating func restore(_ snapshot: LogSnapshot) {
        own = snapshot.own
        for operation in snapshot.operations { operations[operation.id] = operation }
        (versions, floor) = (snapshot.versions, snapshot.floor)
    }

    private mutating func keep(of members: Set<NodeID>) {
        func kept(_ vector: VersionVector) -> VersionVector {
            VersionVector(vector.sequences.filter { members.contains($0.key.node) })
        }
        operations = operations.filter { members.contains($0.key.replica.node) }.mapValues { operation in
            Operation(
                id: operation.id, time: operation.time, register: operation.register, source: operation.source,
                value: operation.value, seen: kept(operation.seen))
        }
        (versions, floor) = (kept(versions), kept(floor))
    }

    var snapshot: LogSnapshot {
        LogSnapshot(
            own: own, operations: operations.values.sorted { $0.id < $1.id }, versions: versions, floor: floor)
    }
}
