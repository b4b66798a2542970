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
        own = transition.own ?? own
        for operation in transition.inserted { operations[operation.id] = operation }
        for id in transition.removed { operations[id] = nil }
        for (replica, sequence) in transition.versions.sequences { versions.set(replica, to: sequence) }
        for (replica, sequence) in transition.floor.sequences { floor.set(replica, to: sequence) }
    }

    var snapshot: LogSnapshot {
        LogSnapshot(
            own: own, operations: operations.values.sorted { $0.id < $1.id }, versions: versions, floor: floor)
    }
}
