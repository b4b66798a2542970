// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

/// A response as it is kept, for the client that asked for it alone.
package struct StoredResponse: Hashable, Sendable {
    package var id: String
    /// The id of the client's key; empty for clients that need none.
    package var owner: String
    package var createdAt: WallTime
    /// What the engine was given, as a JSON list.
    package var items: [UInt8]
    /// The response as a JSON object.
    package var body: [UInt8]
    /// The ids of the items that it holds.
    package var outputs: [String]

    package init(
        id: String, owner: String, createdAt: WallTime, items: [UInt8], body: [UInt8], outputs: [String] = []
    ) {
        self.id = id
        self.owner = owner
        self.createdAt = createdAt
        self.items = items
        self.body = body
        self.outputs = outputs
    }
}

extension Store {
    /// Keeps a response, and drops those that are too old, and the oldest where there are too many.
    ///
    /// - Returns: Whether it is kept: not when it is larger than ``StoreLimits/largestResponse``.
    package func keep(_ response: StoredResponse) async throws(StoreError) -> Bool {
        guard response.items.count + response.body.count <= StoreLimits.largestResponse else { return false }
        return try await write { [limits] db in
            try ResponseRow.insert(response, in: db)
            try ResponseRow.dropOlder(than: response.createdAt.advanced(by: .zero - StoreLimits.responseAge), in: db)
            try ResponseRow.dropOldest(keeping: limits.responses, bytes: limits.responseBytes, in: db)
            return try ResponseRow.exists(response.id, in: db)
        }
    }

    /// - Returns: `nil` when there is none of this owner, or it is too old.
    package func response(
        _ id: String, owner: String, at now: WallTime
    ) async throws(StoreError) -> StoredResponse? {
        try await read { db in
            try ResponseRow.fetch("name = ?", [id], owner: owner, at: now, in: db)
        }
    }

    /// The last response of this owner whose answer holds an item.
    package func response(
        holding item: String, owner: String, at now: WallTime
    ) async throws(StoreError) -> StoredResponse? {
        try await read { db in
            try ResponseRow.fetch(
                "id IN (SELECT response_id FROM response_output WHERE item = ?)", [item], owner: owner, at: now, in: db)
        }
    }

    /// - Returns: Whether there was one of this owner.
    package func removeResponse(_ id: String, owner: String) async throws(StoreError) -> Bool {
        try await write { db in
            try db.execute(sql: "DELETE FROM response WHERE name = ? AND owner = ?", arguments: [id, owner])
            return db.changesCount > 0
        }
    }

    package func responseCount() async throws(StoreError) -> Int {
        try await read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM response") ?? 0 }
    }
}

/// A row of `response`.
private enum ResponseRow {
    static func insert(_ response: StoredResponse, in db: Database) throws {
        try db.execute(
            sql: "INSERT INTO response (name, owner, created_at, size, items, body) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                response.id, response.owner, response.createdAt.milliseconds,
                response.items.count + response.body.count, Blob(response.items), Blob(response.body),
            ])
        let key = db.lastInsertedRowID
        let statement = try db.cachedStatement(
            sql: "INSERT OR IGNORE INTO response_output (item, response_id) VALUES (?, ?)")
        for item in response.outputs { try statement.execute(arguments: [item, key]) }
    }

    static func exists(_ id: String, in db: Database) throws -> Bool {
        try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM response WHERE name = ?)", arguments: [id]) ?? false
    }

    static func dropOlder(than time: WallTime, in db: Database) throws {
        try db.execute(sql: "DELETE FROM response WHERE created_at < ?", arguments: [time.milliseconds])
    }

    /// The owner who takes the most gives way, so that nobody can push out what others keep.
    static func dropOldest(keeping count: Int, bytes: Int, in db: Database) throws {
        while let all = try Row.fetchOne(db, sql: "SELECT count(*) AS count, total(size) AS bytes FROM response") {
            let isTooMany = try all.decode(Int.self, forColumn: "count") > count
            guard try isTooMany || all.decode(Double.self, forColumn: "bytes") > Double(bytes) else { return }
            try db.execute(
                sql: """
                    DELETE FROM response WHERE id = (
                        SELECT min(id) FROM response GROUP BY owner
                        ORDER BY \(isTooMany ? "count(*)" : "sum(size)") DESC, min(id) LIMIT 1
                    )
                    """)
        }
    }

    static func fetch(
        _ condition: String, _ arguments: StatementArguments, owner: String, at now: WallTime, in db: Database
    ) throws -> StoredResponse? {
        let oldest = now.advanced(by: .zero - StoreLimits.responseAge)
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT * FROM response WHERE \(condition) AND owner = ? AND created_at >= ? ORDER BY id DESC LIMIT 1
                """, arguments: arguments + [owner, oldest.milliseconds])
        guard let row else { return nil }
        let outputs = try String.fetchAll(
            db, sql: "SELECT item FROM response_output WHERE response_id = ? ORDER BY item",
            arguments: [try row.decode(Int64.self, forColumn: "id")])
        return StoredResponse(
            id: try row.decode(String.self, forColumn: "name"), owner: owner,
            createdAt: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "created_at")),
            items: try row.decode(Blob.self, forColumn: "items").bytes,
            body: try row.decode(Blob.self, forColumn: "body").bytes, outputs: outputs)
    }
}
