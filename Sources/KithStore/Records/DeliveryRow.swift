// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `delivery`.
enum DeliveryRow {
    static func insert(_ key: DeliveryKey, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO delivery (key) VALUES (?) ON CONFLICT (key) DO NOTHING")
        try statement.execute(arguments: [key.text])
    }

    static func exists(_ key: DeliveryKey, in db: Database) throws -> Bool {
        let statement = try db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM delivery WHERE key = ?)")
        return try Bool.fetchOne(statement, arguments: [key.text]) ?? false
    }

    /// Only the oldest are deleted, so that the ids are without gaps.
    static func dropOldest(keeping limit: Int, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "DELETE FROM delivery WHERE id <= (SELECT max(id) FROM delivery) - ?")
        try statement.execute(arguments: [limit])
    }
}
