// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `peer` with its rows of `peer_address`.
enum PeerRow {
    static func fetchAll(_ db: Database) throws -> [PeerRecord] {
        let addresses = try Row.fetchAll(db, sql: "SELECT peer_id, address FROM peer_address ORDER BY peer_id, rank")
        let byPeer = try Dictionary(grouping: addresses) { try NodeID($0, column: "peer_id") }
        return try Row.fetchAll(db, sql: "SELECT * FROM peer ORDER BY id").map { row in
            let id = try NodeID(row, column: "id")
            return try peer(row, id: id, addresses: byPeer[id] ?? [])
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
