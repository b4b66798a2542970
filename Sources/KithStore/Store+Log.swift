// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// The whole log, at one point in time.
    ///
    /// - Throws: ``StoreError`` with ``StoreError/Code/damaged`` also for a row that makes no sense.
    package func logSnapshot() async throws(StoreError) -> LogSnapshot {
        try await read { db in
            let replicas = try KnownReplicas(db)
            return LogSnapshot(
                own: replicas.own, operations: try OperationRow.fetchAll(replicas, in: db),
                versions: replicas.versions, floor: replicas.floor)
        }
    }

    /// Keeps what a step has changed and which deliveries it counted, all of it or nothing; on disk when it returns.
    ///
    /// - Parameter deliveries: The newest ``StoreLimits/deliveries`` are remembered.
    /// - Throws: ``StoreError`` with ``StoreError/Code/refused`` for an operation that breaks a rule of the schema, or
    ///   ``StoreError/Code/limitReached`` for more than ``StoreLimits/replicas``.
    package func commit(_ transition: LogTransition, deliveries: [DeliveryKey] = []) async throws(StoreError) {
        if transition.isEmpty && deliveries.isEmpty { return }
        try await write { [limits] db in
            var replicas = ReplicaRows(db)
            for operation in transition.inserted {
                try OperationRow.insert(operation, replicas: &replicas, in: db)
            }
            for id in transition.removed { try OperationRow.delete(id, replicas: &replicas, in: db) }
            try replicas.set(versions: transition.versions, floor: transition.floor)
            if let own = transition.own { try replicas.setOwn(own) }
            if deliveries.isEmpty { return }
            for key in deliveries { try DeliveryRow.insert(key, in: db) }
            try DeliveryRow.dropOldest(keeping: limits.deliveries, in: db)
        }
    }

    /// Whether a commit has counted this delivery, and it has not been forgotten since.
    package func isDelivered(_ key: DeliveryKey) async throws(StoreError) -> Bool {
        try await read { db in try DeliveryRow.exists(key, in: db) }
    }
}
