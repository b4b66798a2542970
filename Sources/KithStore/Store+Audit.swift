// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// Writes lines to the audit trail. Beyond ``StoreLimits/audit`` lines those give way that `AuditShares` says, what the
    /// owner did apart from what others did.
    package func appendAudit(_ records: [AuditRecord]) async throws(StoreError) {
        if records.isEmpty { return }
        try await write { [limits] db in
            for record in records { try AuditRow.insert(record, in: db) }
            try AuditRow.share(.evidence, keeping: limits.audit, in: db)
            try AuditRow.share(.ownerActs, keeping: limits.audit, in: db)
        }
    }

    /// The last lines of the audit trail, newest first.
    package func audit(limit: Int) async throws(StoreError) -> [AuditRecord] {
        try await audit(AuditQuery(limit: limit)).map(\.record)
    }

    /// The last lines that a query wants, newest first.
    package func audit(_ query: AuditQuery) async throws(StoreError) -> [AuditEntry] {
        try await read { db in try AuditRow.fetch(query, in: db) }
    }
}

/// A row of `audit`. Texts are cut to what the schema takes: they may hold what a stranger sent.
enum AuditRow {
    private static let longestName = 128
    private static let longestReason = 512
    /// As many more lines than are kept may wait until room is made again, as a share of them.
    private static let slack = 16

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

    /// Newest first. Lines of kinds that a newer version wrote and this one does not know are left out.
    static func fetch(_ query: AuditQuery, in db: Database) throws -> [AuditEntry] {
        let rows = try Row.fetchCursor(
            db, sql: "SELECT * FROM audit WHERE id > ? ORDER BY id DESC", arguments: [query.after])
        var entries: [AuditEntry] = []
        while entries.count < query.limit, let row = try rows.next() {
            guard let record = try record(row), query.wants(record) else { continue }
            entries.append(AuditEntry(id: try row.decode(Int64.self, forColumn: "id"), record: record))
        }
        return entries
    }

    static func share(_ part: AuditPart, keeping limit: Int, in db: Database) throws {
        let isOfPart = part.condition
        let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM audit WHERE \(isOfPart)") ?? 0
        guard count > limit + limit / slack else { return }
        let lines = try Row.fetchAll(
            db, sql: "SELECT id, at, kind, reason, source, subject FROM audit WHERE \(isOfPart) ORDER BY id"
        ).map { row in
            AuditShares.Line(
                id: try row.decode(Int64.self, forColumn: "id"),
                at: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "at")),
                kind: try row.decode(String.self, forColumn: "kind"),
                reason: try row.decode(String.self, forColumn: "reason"),
                source: try row.decode(String?.self, forColumn: "source"),
                subject: try row.decode(String?.self, forColumn: "subject"))
        }
        let deletion = try db.cachedStatement(sql: "DELETE FROM audit WHERE id = ?")
        for id in AuditShares.surplus(of: lines, by: part.places, keeping: limit) {
            try deletion.execute(arguments: [id])
        }
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

/// What the trail is divided into, so that neither takes the other's room.
enum AuditPart {
    case ownerActs, evidence

    /// Kinds that only a newer version knows count as evidence.
    var condition: String {
        let acts = AuditRecord.Kind.allCases.filter(\.isOwnersAct).map { "'\($0.rawValue)'" }.joined(separator: ", ")
        return switch self {
        case .ownerActs: "kind IN (\(acts))"
        case .evidence: "kind NOT IN (\(acts))"
        }
    }

    var places: AuditShares.Places {
        switch self {
        case .ownerActs: .kinds
        case .evidence: .hours
        }
    }
}
