// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `exchange`. Texts are cut to what the schema takes.
enum ExchangeRow {
    static func insert(_ exchange: ExchangeRecord, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO exchange (name, at, peer, tier, topic, outcome, note, insight, duration, tokens)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        try statement.execute(
            arguments: [
                exchange.id.rawValue, exchange.at.milliseconds, KeptText(exchange.peer, limit: 512).value,
                exchange.tier.rawValue, KeptText(exchange.topic, limit: 512).value, exchange.outcome.rawValue,
                exchange.note.map { KeptText($0, limit: 1_024).value }, exchange.insight?.rawValue,
                max(0, exchange.duration.wholeMilliseconds), max(0, exchange.tokens),
            ])
    }

    static func dropOldest(keeping limit: Int, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM exchange WHERE id <= (SELECT id FROM exchange ORDER BY id DESC LIMIT 1 OFFSET ?)",
            arguments: [limit])
    }

    /// Those with an outcome that a newer version wrote and this one does not know are left out.
    static func fetchLast(_ limit: Int, in db: Database) throws -> [ExchangeRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM exchange ORDER BY id DESC LIMIT ?", arguments: [limit]).compactMap {
            row in
            guard let outcome = ExchangeRecord.Outcome(rawValue: try row.decode(String.self, forColumn: "outcome")),
                let tier = Tier(rawValue: try row.decode(String.self, forColumn: "tier"))
            else { return nil }
            return ExchangeRecord(
                id: RequestID(rawValue: try row.decode(String.self, forColumn: "name")),
                at: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "at")),
                peer: try row.decode(String.self, forColumn: "peer"), tier: tier,
                topic: try row.decode(String.self, forColumn: "topic"), outcome: outcome,
                note: try row.decode(String?.self, forColumn: "note"),
                insight: try row.decode(String?.self, forColumn: "insight").flatMap { InsightID($0) },
                duration: .milliseconds(try row.decode(Int64.self, forColumn: "duration")),
                tokens: try row.decode(Int.self, forColumn: "tokens"))
        }
    }
}
