// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `insight`, with its bands.
enum InsightRow {
    static let columns = """
        insight.id AS id, name, insight.text AS text, insight.topic AS topic, peer, tier, model, exchange, node, learned_at,
        quality, standing, reason, reinforcements, archived
        """

    static func put(_ insight: Insight, bands: [UInt64], in db: Database) throws {
        try delete(insight.id, in: db)
        let (standing, reason) = StandingColumns.values(of: insight.standing)
        let provenance = insight.provenance
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO insight (name, text, topic, peer, tier, model, exchange, node, learned_at, last_learned_at, times,
                    quality, standing, reason, reinforcements, archived)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        try statement.execute(
            arguments: [
                insight.id.rawValue, insight.text, provenance.topic, provenance.peer, provenance.tier.rawValue,
                provenance.model?.rawValue, provenance.exchange.rawValue, provenance.node.blob,
                provenance.at.milliseconds, insight.lastLearned.milliseconds, insight.timesReinforced + 1,
                insight.quality, standing, reason, ReinforcementsColumn.text(of: insight.reinforcements),
                insight.standing == .archived,
            ])
        let key = db.lastInsertedRowID
        let band = try db.cachedStatement(sql: "INSERT OR IGNORE INTO insight_band (hash, insight_id) VALUES (?, ?)")
        for hash in bands { try band.execute(arguments: [Int64(bitPattern: hash), key]) }
        try InsightSearch.count(insight.text, by: 1, in: db)
    }

    static func delete(_ id: InsightID, in db: Database) throws {
        let present = try db.cachedStatement(sql: "SELECT text FROM insight WHERE name = ?")
        guard let text = try String.fetchOne(present, arguments: [id.rawValue]) else { return }
        try InsightSearch.count(text, by: -1, in: db)
        try db.cachedStatement(sql: "DELETE FROM insight WHERE name = ?").execute(arguments: [id.rawValue])
    }

    static func insight(_ row: Row) throws -> Insight {
        guard let id = InsightID(try row.decode(String.self, forColumn: "name")),
            let tier = Tier(rawValue: try row.decode(String.self, forColumn: "tier")),
            let standing = StandingColumns.standing(
                try row.decode(Int.self, forColumn: "standing"),
                reason: try row.decode(String?.self, forColumn: "reason"),
                isArchived: try row.decode(Bool.self, forColumn: "archived"))
        else { throw DatabaseError.damaged("an insight breaks the rules for insights") }
        return Insight(
            id: id, text: try row.decode(String.self, forColumn: "text"),
            provenance: .init(
                peer: try row.decode(String.self, forColumn: "peer"), tier: tier,
                topic: try row.decode(String.self, forColumn: "topic"),
                model: try row.decode(String?.self, forColumn: "model").map { ModelID($0) },
                exchange: RequestID(rawValue: try row.decode(String.self, forColumn: "exchange")),
                node: try NodeID(row, column: "node"),
                at: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "learned_at"))),
            quality: try row.decode(Double.self, forColumn: "quality"), standing: standing,
            reinforcements: ReinforcementsColumn.reinforcements(
                try row.decode(String.self, forColumn: "reinforcements")))
    }
}

/// `standing` and `reason`.
enum StandingColumns {
    static func values(of standing: Insight.Standing) -> (Int, String?) {
        switch standing {
        case .live, .archived: (0, nil)
        case .waiting(let reason): (1, reason.rawValue)
        case .rejected: (2, nil)
        }
    }

    static func standing(_ value: Int, reason: String?, isArchived: Bool) -> Insight.Standing? {
        switch (value, reason.flatMap(QuarantineReason.init)) {
        case (0, _): isArchived ? .archived : .live
        case (1, let reason?): .waiting(reason)
        case (2, _): .rejected
        default: nil
        }
    }
}

/// `reinforcements`: a line for each node, with its id, the count and the time.
enum ReinforcementsColumn {
    static func text(of reinforcements: [NodeID: Insight.Reinforcement]) -> String {
        reinforcements.sorted { $0.key < $1.key }.prefix(512)
            .map { "\($0.key.description) \($0.value.count) \($0.value.at.milliseconds)" }.joined(separator: "\n")
    }

    static func reinforcements(_ text: String) -> [NodeID: Insight.Reinforcement] {
        var found: [NodeID: Insight.Reinforcement] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 3, let node = NodeID(String(parts[0])), let count = Int(parts[1]),
                let at = Int64(parts[2])
            else { continue }
            found[node] = .init(count: count, at: WallTime(milliseconds: at))
        }
        return found
    }
}
