// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// Puts a write at the end of its upstream's queue; on disk when it returns. A write whose delivery key waits for
    /// that upstream already is not added again.
    ///
    /// - Parameter limit: How many may wait, for all upstreams together.
    /// - Returns: Its place.
    /// - Throws: ``StoreError`` with ``StoreError/Code/limitReached``, or ``StoreError/Code/refused`` for a write that is
    ///   empty or longer than `QueuedWrite.bodyLimit`.
    @discardableResult
    package func enqueue(_ queued: QueuedWrite, limit: Int) async throws(StoreError) -> Int64 {
        try await write { db in
            if let id = try QueuedWriteRow.id(upstream: queued.upstream, key: queued.deliveryKey, in: db) { return id }
            guard try QueuedWriteRow.count(db) < limit else {
                throw StoreError(
                    .limitReached, "\(limit) writes wait until they can be sent on; no more are taken before then.")
            }
            return try QueuedWriteRow.insert(queued, in: db)
        }
    }

    /// The first of an upstream's queue, the oldest first.
    ///
    /// - Parameter limit: How many at most.
    package func queuedWrites(for upstream: String, limit: Int) async throws(StoreError) -> [QueuedWrite] {
        try await read { db in try QueuedWriteRow.fetch(upstream: upstream, limit: max(0, limit), in: db) }
    }

    /// Does nothing when there is none at this place.
    package func removeQueuedWrite(_ id: Int64) async throws(StoreError) {
        try await write { db in try QueuedWriteRow.delete(id, in: db) }
    }

    /// How many wait, for all upstreams together.
    package func queuedWriteCount() async throws(StoreError) -> Int {
        try await read { db in try QueuedWriteRow.count(db) }
    }
}

/// A row of `queued_write`.
enum QueuedWriteRow {
    static func id(upstream: String, key: DeliveryKey, in db: Database) throws -> Int64? {
        try Int64.fetchOne(
            db, sql: "SELECT id FROM queued_write WHERE upstream = ? AND delivery_key = ?",
            arguments: [upstream, key.text])
    }

    static func insert(_ write: QueuedWrite, in db: Database) throws -> Int64 {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO queued_write (upstream, delivery_key, body, queued_at) VALUES (?, ?, ?, ?)")
        try statement.execute(
            arguments: [write.upstream, write.deliveryKey.text, Blob(write.body), write.queuedAt.milliseconds])
        return db.lastInsertedRowID
    }

    static func delete(_ id: Int64, in db: Database) throws {
        try db.execute(sql: "DELETE FROM queued_write WHERE id = ?", arguments: [id])
    }

    static func count(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM queued_write") ?? 0
    }

    /// The oldest first.
    static func fetch(upstream: String, limit: Int, in db: Database) throws -> [QueuedWrite] {
        let rows = try Row.fetchAll(
            db, sql: "SELECT * FROM queued_write WHERE upstream = ? ORDER BY id LIMIT ?", arguments: [upstream, limit])
        return try rows.map(write)
    }

    private static func write(_ row: Row) throws -> QueuedWrite {
        guard let key = DeliveryKey(try row.decode(String.self, forColumn: "delivery_key")) else {
            throw DatabaseError.damaged("a queued write's delivery key breaks the rules for keys")
        }
        return QueuedWrite(
            id: try row.decode(Int64.self, forColumn: "id"),
            upstream: try row.decode(String.self, forColumn: "upstream"), deliveryKey: key,
            body: try row.decode(Blob.self, forColumn: "body").bytes,
            queuedAt: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "queued_at")))
    }
}
