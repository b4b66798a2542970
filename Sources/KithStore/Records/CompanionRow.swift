// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `companion`.
enum CompanionRow {
    static func put(_ companion: CompanionRecord, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO companion
                    (key, name, gains, losses, at, exchanges, successes, strikes, pauses, paused_until, latency)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        try statement.execute(
            arguments: [
                companion.key, KeptText(companion.name, limit: 512).value, companion.gains, companion.losses,
                companion.at.milliseconds, companion.exchanges, companion.successes, companion.strikes,
                companion.pauses,
                companion.pausedUntil?.milliseconds, companion.latency?.wholeMilliseconds,
            ])
    }

    static func dropOldest(keeping limit: Int, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM companion WHERE key IN (SELECT key FROM companion ORDER BY at DESC LIMIT -1 OFFSET ?)",
            arguments: [limit])
    }

    static func fetchAll(_ db: Database) throws -> [CompanionRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM companion ORDER BY key").map { row in
            CompanionRecord(
                key: try row.decode(String.self, forColumn: "key"),
                name: try row.decode(String.self, forColumn: "name"),
                gains: try row.decode(Double.self, forColumn: "gains"),
                losses: try row.decode(Double.self, forColumn: "losses"),
                at: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "at")),
                exchanges: try row.decode(Int.self, forColumn: "exchanges"),
                successes: try row.decode(Int.self, forColumn: "successes"),
                strikes: try row.decode(Int.self, forColumn: "strikes"),
                pauses: try row.decode(Int.self, forColumn: "pauses"),
                pausedUntil: try row.decode(Int64?.self, forColumn: "paused_until").map { WallTime(milliseconds: $0) },
                latency: try row.decode(Int64?.self, forColumn: "latency").map { .milliseconds($0) })
        }
    }
}
