// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// Runs `changes` in a transaction and, when it is on disk, notes outside of the database that there was one.
    private func changeKeys<Value: Sendable>(
        _ changes: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let (value, sequence) = try await write { db in
            let value = try changes(db)
            return (value, try StoreSequence.advance(in: db))
        }
        try anchor?.reached(sequence)
        return value
    }

    /// All keys of clients, oldest first, with those that expired and the latest that were revoked.
    package func clientKeys() async throws(StoreError) -> [ClientKeyRecord] {
        try await read { db in try ClientKeyRow.fetchAll(db).map(\.key) }
    }

    /// - Throws: ``StoreError`` with ``StoreError/Code/limitReached``, or ``StoreError/Code/refused`` when the id or the
    ///   digest is another key's, or the key has no scope or name.
    package func insert(_ key: ClientKeyRecord) async throws(StoreError) {
        try await changeKeys { [limits] db in
            try ClientKeyRow.insert(key, in: db)
            guard try ClientKeyRow.countUsable(db) <= limits.clientKeys else {
                throw StoreError(.limitReached, "There are \(limits.clientKeys) keys; revoke one first.")
            }
        }
    }

    /// It stays revoked also when the database loses this write: see ``StoreAnchor``.
    ///
    /// - Returns: whether there was such a key that had not been revoked.
    @discardableResult
    package func revokeKey(_ id: String, at time: WallTime) async throws(StoreError) -> Bool {
        try await changeKeys { [limits, anchor] db in
            guard try ClientKeyRow.revoke(id, at: time, in: db) else { return false }
            try anchor?.revoke(id, at: time)
            try ClientKeyRow.dropRevoked(keeping: limits.clientKeys, in: db)
            return true
        }
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
            revokedAt: try row.decode(Int64?.self, forColumn: "revoked_at").map { WallTime(milliseconds: $0) },
            limits: try Self.limits(row))
    }

    /// - Throws: `DatabaseError` for a limit that cannot be read: a key must not do more than its owner wished.
    private static func limits(_ row: Row) throws -> KeyLimits {
        func list<Entry>(_ column: String, _ read: (Substring) -> Entry?) throws -> [Entry] {
            let lines = try row.decode(String?.self, forColumn: column)?.split(separator: "\n") ?? []
            return try lines.map { line in
                guard let entry = read(line) else { throw DatabaseError.damaged("a key's \(column) cannot be read") }
                return entry
            }
        }
        guard let priority = RequestPriority(rawValue: try row.decode(String.self, forColumn: "priority")) else {
            throw DatabaseError.damaged("a key's priority cannot be read")
        }
        return KeyLimits(
            rate: try row.decode(String?.self, forColumn: "rate").map { text in
                guard let rate = RequestRate(text) else { throw DatabaseError.damaged("a key's rate cannot be read") }
                return rate
            },
            tokensPerDay: try row.decode(Int?.self, forColumn: "tokens_per_day"),
            concurrent: try row.decode(Int?.self, forColumn: "concurrent"), priority: priority,
            models: try list("models") { ModelID(String($0)) },
            addresses: try list("addresses") { AddressRange($0) })
    }

    static func fetchAll(_ db: Database) throws -> [ClientKeyRow] {
        try fetchAll(db, sql: "SELECT * FROM client_key ORDER BY created_at, rowid")
    }

    static func insert(_ key: ClientKeyRecord, in db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO client_key (id, name, scopes, digest, created_at, expires_at, revoked_at,
                    rate, tokens_per_day, concurrent, priority, models, addresses)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                key.id, KeptText(key.name, limit: longestName).value,
                key.scopes.map(\.rawValue).sorted().joined(separator: " "), Blob(key.digest),
                key.createdAt.milliseconds, key.expiresAt?.milliseconds, key.revokedAt?.milliseconds,
                key.limits.rate?.description, key.limits.tokensPerDay, key.limits.concurrent,
                key.limits.priority.rawValue, lines(key.limits.models.map(\.rawValue)),
                lines(key.limits.addresses.map(\.description)),
            ])
    }

    private static func lines(_ entries: [String]) -> String? {
        entries.isEmpty ? nil : entries.joined(separator: "\n")
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

/// How many changes of keys a database has seen: SQLite's `user_version`, which the schema's versions do not use.
enum StoreSequence {
    static func read(_ db: Database) throws -> UInt32 {
        UInt32(clamping: try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0)
    }

    static func set(_ sequence: UInt32, in db: Database) throws {
        try db.execute(sql: "PRAGMA user_version = \(min(sequence, UInt32(Int32.max)))")
    }

    /// - Returns: the new number.
    static func advance(in db: Database) throws -> UInt32 {
        let next = min(try read(db) + 1, UInt32(Int32.max))
        try set(next, in: db)
        return next
    }
}
