// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// All statements about who is kin, by author and sequence.
    package func trustOperations() async throws(StoreError) -> [SignedOperation] {
        try await read { db in try TrustOperationRecord.fetchAll(db).map(\.operation) }
    }

    /// Stores statements, all or none; each replaces the one stored under its author and sequence.
    ///
    /// - Throws: ``StoreError`` with ``StoreError/Code/limitReached``, or ``StoreError/Code/refused`` for one that is
    ///   empty or longer than ``StoreLimits/largestOperation``.
    package func append(_ operations: [SignedOperation]) async throws(StoreError) {
        if operations.isEmpty { return }
        try await write { [limits] db in
            for operation in operations { try TrustOperationRecord.save(operation, in: db) }
            guard try TrustOperationRecord.count(db) <= limits.trustOperations else {
                throw StoreError(
                    .limitReached, "There are \(limits.trustOperations) statements about who is kin; no more are kept.")
            }
        }
    }

    /// Removes those of each author after a number, and stores statements as ``append(_:)`` does, all or none.
    ///
    /// - Parameter kept: By author the number of the last that stays; 0 for none.
    package func append(
        _ operations: [SignedOperation], keeping kept: [NodeID: UInt64]
    ) async throws(StoreError) {
        if kept.isEmpty { return try await append(operations) }
        try await write { db in
            for (author, sequence) in kept {
                try db.execute(
                    sql: "DELETE FROM trust_operation WHERE author = ? AND sequence > ?",
                    arguments: [author.blob, try sequence.column()])
            }
            for operation in operations { try TrustOperationRecord.save(operation, in: db) }
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

extension Store {
    /// The node that this folder belongs to, so that a lost key file is noticed instead of replaced by a new identity;
    /// `nil` before the first start. Blocks: for the start only.
    package func identityID() throws(StoreError) -> NodeID? {
        try readBlocking { db in
            try Row.fetchOne(db, sql: "SELECT node FROM identity").map { try NodeID($0, column: "node") }
        }
    }

    /// Notes whose folder this is, on the first start and when the node is given a new key. Blocks: for the start only.
    package func setIdentityID(_ id: NodeID) throws(StoreError) {
        try writeBlocking { db in
            try db.execute(
                sql:
                    "INSERT INTO identity (id, node) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET node = excluded.node",
                arguments: [id.blob])
        }
    }
}

extension Store {
    /// Makes this the folder of another identity: it forgets whom the former one trusted and who vouched for it.
    /// Conversations, clients' keys and the audit trail stay.
    package func startAnew(as id: NodeID) async throws(StoreError) {
        try await write { db in
            try db.execute(sql: "DELETE FROM trust_operation; DELETE FROM peer;")
            // What the node wrote stays its own.
            try db.execute(
                sql: "UPDATE OR IGNORE replica SET node = ? WHERE node = (SELECT node FROM identity)",
                arguments: [id.blob])
            try db.execute(
                sql: """
                    INSERT INTO identity (id, node) VALUES (1, ?)
                    ON CONFLICT (id) DO UPDATE SET node = excluded.node
                    """,
                arguments: [id.blob])
        }
    }
}

/// A row of `peer` with its rows of `peer_address`.
enum PeerRow {
    static func fetchAll(_ db: Database) throws -> [PeerRecord] {
        let addresses = try Row.fetchAll(db, sql: "SELECT peer_id, address FROM peer_address ORDER BY peer_id, rank")
        let byPeer = try Dictionary(grouping: addresses) { try NodeID($0, column: "peer_id") }
        let wake = try WakeRow.fetchAll(db)
        return try Row.fetchAll(db, sql: "SELECT * FROM peer ORDER BY id").map { row in
            let id = try NodeID(row, column: "id")
            var record = try peer(row, id: id, addresses: byPeer[id] ?? [])
            record.wake = wake[id] ?? WakeNotes()
            return record
        }
    }

    static func save(_ peer: PeerRecord, in db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO peer (id, tier, name, nickname, last_seen_at) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET tier = excluded.tier, name = excluded.name,
                    nickname = excluded.nickname, last_seen_at = excluded.last_seen_at
                """,
            arguments: [
                peer.id.blob, peer.tier.rawValue, peer.name?.rawValue, peer.nickname?.rawValue,
                peer.lastSeen?.milliseconds,
            ])
        try db.execute(sql: "DELETE FROM peer_address WHERE peer_id = ?", arguments: [peer.id.blob])
        for (rank, address) in kept(peer.addresses).enumerated() {
            try db.execute(
                sql: "INSERT INTO peer_address (peer_id, rank, address) VALUES (?, ?, ?)",
                arguments: [peer.id.blob, rank, address.description])
        }
        try WakeRow.save(peer.wake, of: peer.id, in: db)
    }

    static func delete(_ id: NodeID, in db: Database) throws {
        try db.execute(sql: "DELETE FROM peer WHERE id = ?", arguments: [id.blob])
    }

    static func count(_ db: Database) throws -> Int { try Int.fetchOne(db, sql: "SELECT count(*) FROM peer") ?? 0 }

    private static func peer(_ row: Row, id: NodeID, addresses: [Row]) throws -> PeerRecord {
        guard let tier = Tier(rawValue: try row.decode(String.self, forColumn: "tier")) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a peer's tier is unknown")
        }
        return PeerRecord(
            id: id, tier: tier,
            name: try row.decode(String?.self, forColumn: "name").flatMap { NodeName($0) },
            nickname: try row.decode(String?.self, forColumn: "nickname").flatMap { NodeName($0) },
            addresses: try addresses.compactMap { PeerAddress(try $0.decode(String.self, forColumn: "address")) },
            lastSeen: try row.decode(Int64?.self, forColumn: "last_seen_at").map { WallTime(milliseconds: $0) })
    }

    /// The first of each, as many as are kept.
    private static func kept(_ addresses: [PeerAddress]) -> [PeerAddress] {
        var seen: Set<PeerAddress> = []
        return Array(addresses.filter { seen.insert($0).inserted }.prefix(StoreLimits.addressesPerPeer))
    }
}

/// A row of `trust_operation`.
struct TrustOperationRecord: FetchableRecord {
    let operation: SignedOperation

    init(row: Row) throws {
        operation = SignedOperation(
            author: try NodeID(row, column: "author"),
            sequence: try row.decode(UInt64.self, forColumn: "sequence"),
            bytes: try row.decode(Blob.self, forColumn: "bytes").bytes)
    }

    static func fetchAll(_ db: Database) throws -> [TrustOperationRecord] {
        try fetchAll(db, sql: "SELECT * FROM trust_operation ORDER BY author, sequence")
    }

    /// Replaces what is stored under the author and sequence: which of two counts is decided elsewhere.
    static func save(_ operation: SignedOperation, in db: Database) throws {
        guard let sequence = Int64(exactly: operation.sequence) else {
            throw StoreError(.refused, "A statement's sequence number is larger than can be kept.")
        }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO trust_operation (author, sequence, bytes) VALUES (?, ?, ?)
                ON CONFLICT (author, sequence) DO UPDATE SET bytes = excluded.bytes
                """)
        try statement.execute(arguments: [operation.author.blob, sequence, Blob(operation.bytes)])
    }

    static func count(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM trust_operation") ?? 0
    }
}
