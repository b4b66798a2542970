// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// All keys of clients, oldest first, with those that expired and the latest that were revoked.
    package func clientKeys() async throws(StoreError) -> [ClientKeyRecord] {
        try await read { db in try ClientKeyRow.fetchAll(db).map(\.key) }
    }

    /// - Throws: ``StoreError`` with ``StoreError/Code/limitReached``, or ``StoreError/Code/refused`` when the id or the
    ///   digest is another key's, or the key has no scope or name.
    package func insert(_ key: ClientKeyRecord) async throws(StoreError) {
        try await write { [limits] db in
            try ClientKeyRow.insert(key, in: db)
            guard try ClientKeyRow.countUsable(db) <= limits.clientKeys else {
                throw StoreError(.limitReached, "There are \(limits.clientKeys) keys; revoke one first.")
            }
        }
    }

    /// - Returns: whether there was such a key that had not been revoked.
    @discardableResult
    package func revokeKey(_ id: String, at time: WallTime) async throws(StoreError) -> Bool {
        try await write { [limits] db in
            guard try ClientKeyRow.revoke(id, at: time, in: db) else { return false }
            try ClientKeyRow.dropRevoked(keeping: limits.clientKeys, in: db)
            return true
        }
    }

    /// Writes lines to the audit trail; drops the oldest beyond ``StoreLimits/audit``.
    package func appendAudit(_ records: [AuditRecord]) async throws(StoreError) {
        if records.isEmpty { return }
        try await write { [limits] db in
            for record in records.suffix(limits.audit) { try AuditRow.insert(record, in: db) }
            try AuditRow.dropOldest(keeping: limits.audit, in: db)
        }
    }

    /// The last lines of the audit trail, newest first.
    package func audit(limit: Int) async throws(StoreError) -> [AuditRecord] {
        let held = min(max(0, limit), limits.audit)
        return try await read { db in try AuditRow.fetchLast(held, in: db) }
    }
}

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

/// A row of `audit`. Texts are cut to what the schema takes: they may hold what a stranger sent.
enum AuditRow {
    private static let longestName = 128
    private static let longestReason = 512

    static func insert(_ record: AuditRecord, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO audit (at, kind, subject, source, reason, count) VALUES (?, ?, ?, ?, ?, ?)")
        try statement.execute(
            arguments: [
                record.at.milliseconds, record.kind.rawValue,
                record.subject.map { KeptText($0, limit: longestName).value },
                record.source.map { KeptText($0, limit: longestName).value },
                KeptText(record.reason, limit: longestReason).value, max(1, record.count),
            ])
    }

    /// The last ones, newest first. Lines of kinds that a newer version wrote and this one does not know are left out.
    static func fetchLast(_ limit: Int, in db: Database) throws -> [AuditRecord] {
        let rows = try Row.fetchAll(db, sql: "SELECT * FROM audit ORDER BY id DESC LIMIT ?", arguments: [limit])
        return try rows.compactMap(record)
    }

    static func dropOldest(keeping limit: Int, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM audit WHERE id <= (SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?)",
            arguments: [limit])
    }

    private static func record(_ row: Row) throws -> AuditRecord? {
        guard let kind = AuditRecord.Kind(rawValue: try row.decode(String.self, forColumn: "kind")) else { return nil }
        return AuditRecord(
            at: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "at")), kind: kind,
            subject: try row.decode(String?.self, forColumn: "subject"),
            source: try row.decode(String?.self, forColumn: "source"),
            reason: try row.decode(String.self, forColumn: "reason"),
            count: try row.decode(Int.self, forColumn: "count"))
    }
}
