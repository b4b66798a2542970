// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// All statements about who is kin, by author and sequence.
    package func trustOperations() async throws(StoreError) -> [SignedOperation] {
        try await read { db in try TrustOperationRecord.fetchAll(db).map(\.operation) }
    }

    /// Keeps statements, all of them or none. Those whose author and sequence are kept already change nothing.
    ///
    /// - Throws: ``StoreError`` with ``StoreError/Code/limitReached``, or ``StoreError/Code/refused`` for one that is
    ///   empty or longer than ``StoreLimits/largestOperation``.
    package func append(_ operations: [SignedOperation]) async throws(StoreError) {
        if operations.isEmpty { return }
        try await write { [limits] db in
            for operation in operations { try TrustOperationRecord.insert(operation, in: db) }
            guard try TrustOperationRecord.count(db) <= limits.trustOperations else {
                throw StoreError(
                    .limitReached, "There are \(limits.trustOperations) statements about who is kin; no more are kept.")
            }
        }
    }

    /// What is remembered of the peers, by id.
    package func peerRecords() async throws(StoreError) -> [PeerRecord] {
        try await read { db in try PeerRow.fetchAll(db) }
    }

    /// Keeps a peer in place of what was remembered of it; of its addresses the first
    /// ``StoreLimits/addressesPerPeer``, each once.
    ///
    /// - Throws: ``StoreError`` with ``StoreError/Code/limitReached``.
    package func save(_ peer: PeerRecord) async throws(StoreError) {
        try await write { [limits] db in
            try PeerRow.save(peer, in: db)
            guard try PeerRow.count(db) <= limits.peers else {
                throw StoreError(.limitReached, "There are \(limits.peers) peers; forget one first.")
            }
        }
    }

    /// Does nothing when there is no such peer.
    package func removePeer(_ id: NodeID) async throws(StoreError) {
        try await write { db in try PeerRow.delete(id, in: db) }
    }

    /// What the registry role knew when it was last saved.
    package func registrySnapshot() async throws(StoreError) -> [UInt8]? {
        try await read { db in try Blob.fetchOne(db, sql: "SELECT bytes FROM registry_snapshot")?.bytes }
    }

    /// - Throws: ``StoreError`` with ``StoreError/Code/refused`` for more than
    ///   ``StoreLimits/largestRegistrySnapshot`` bytes.
    package func saveRegistrySnapshot(_ bytes: [UInt8]) async throws(StoreError) {
        try await write { db in
            try db.execute(
                sql: """
                    INSERT INTO registry_snapshot (id, bytes) VALUES (1, ?)
                    ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes
                    """,
                arguments: [Blob(bytes)])
        }
    }
}
