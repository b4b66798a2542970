// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

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
