// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `client_key`.
struct ClientKeyRow: FetchableRecord {
    /// The most bytes of a key's name; longer names are cut.
    static let longestName = 128

    let key: ClientKeyRecord

    /// A scope that this version does not know is left out: a key may then do less, never more.
    init(row: Row) throws {
        let scopes = try row.decode(String.self, forColumn: "scopes").split(separator: " ")
        key = ClientKeyRecord(
            id: try row.decode(String.self, forColumn: "id"),
            name: try row.decode(String.self, forColumn: "name"),
            scopes: Set(scopes.compactMap { Scope(rawValue: String($0)) }),
            digest: try row.decode(Blob.self, forColumn: "digest").bytes,
            createdAt: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "created_at")),
            expiresAt: try row.decode(Int64?.self, forColumn: "expires_at").map { WallTime(milliseconds: $0) },
            revokedAt: try row.decode(Int64?.self, forColumn: "revoked_at").map { WallTime(milliseconds: $0) })
    }

    static func fetchAll(_ db: Database) throws -> [ClientKeyRow] {
        try fetchAll(db, sql: "SELECT * FROM client_key ORDER BY created_at, rowid")
    }

    static func insert(_ key: ClientKeyRecord, in db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO client_key (id, name, scopes, digest, created_at, expires_at, revoked_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                key.id, KeptText(key.name, limit: longestName).value,
                key.scopes.map(\.rawValue).sorted().joined(separator: " "), Blob(key.digest),
                key.createdAt.milliseconds, key.expiresAt?.milliseconds, key.revokedAt?.milliseconds,
            ])
    }

    /// - Returns: whether there was such a key that had not been revoked.
    static func revoke(_ id: String, at time: WallTime, in db: Database) throws -> Bool {
        try db.execute(
            sql: "UPDATE client_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
            arguments: [time.milliseconds, id])
        return db.changesCount > 0
    }

    static func countUsable(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM client_key WHERE revoked_at IS NULL") ?? 0
    }

    static func dropRevoked(keeping limit: Int, in db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM client_key WHERE rowid IN (
                    SELECT rowid FROM client_key WHERE revoked_at IS NOT NULL
                    ORDER BY revoked_at DESC, rowid DESC LIMIT -1 OFFSET ?)
                """,
            arguments: [limit])
    }
}
