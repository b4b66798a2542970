// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

/// An insight and the bands by which similar insights are found.
package struct IndexedInsight: Hashable, Sendable {
    package var insight: Insight
    package var bands: [UInt64]

    package init(_ insight: Insight, bands: [UInt64]) {
        self.insight = insight
        self.bands = bands
    }
}

/// Which insights are wanted.
package enum InsightShelf: Sendable {
    case live
    case waiting
    case rejected
    case archived
}

extension Store {
    /// Stores insights, and replaces those with the same id; all of them or none.
    package func put(_ insights: [IndexedInsight]) async throws(StoreError) {
        try await write { db in
            for each in insights {
                try InsightRow.put(each.insight, bands: each.bands, in: db)
            }
        }
    }

    /// Ignores ids that are not stored.
    package func removeInsights(_ ids: [InsightID]) async throws(StoreError) {
        try await write { db in for id in ids { try InsightRow.delete(id, in: db) } }
    }

    package func insight(_ id: InsightID) async throws(StoreError) -> Insight? {
        try await read { db in
            try Row.fetchOne(
                db, sql: "SELECT \(InsightRow.columns) FROM insight WHERE name = ?", arguments: [id.rawValue]
            ).map(InsightRow.insight)
        }
    }

    /// Those of these insights that are stored, in no order.
    package func insights(_ ids: [InsightID]) async throws(StoreError) -> [Insight] {
        guard !ids.isEmpty else { return [] }
        return try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(InsightRow.columns) FROM insight WHERE name IN (\(databaseQuestionMarks(count: ids.count)))
                    """, arguments: StatementArguments(ids.map(\.rawValue))
            ).map(InsightRow.insight)
        }
    }

    package func insightIDs() async throws(StoreError) -> [InsightID] {
        try await read { db in try String.fetchAll(db, sql: "SELECT name FROM insight").compactMap { InsightID($0) } }
    }

    /// The most recently learned first.
    package func insights(on shelf: InsightShelf, limit: Int, offset: Int = 0) async throws(StoreError) -> [Insight] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(InsightRow.columns) FROM insight WHERE \(shelf.condition)
                    ORDER BY last_learned_at DESC, id DESC LIMIT ? OFFSET ?
                    """, arguments: [max(0, limit), max(0, offset)]
            ).map(InsightRow.insight)
        }
    }

    package func insightCount(on shelf: InsightShelf) async throws(StoreError) -> Int {
        try await read { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM insight WHERE \(shelf.condition)") ?? 0
        }
    }

    /// The live ones that were learned longest ago, the oldest first.
    package func oldestInsights(limit: Int) async throws(StoreError) -> [Insight] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(InsightRow.columns) FROM insight WHERE \(InsightShelf.live.condition)
                    ORDER BY last_learned_at, id LIMIT ?
                    """, arguments: [max(0, limit)]
            ).map(InsightRow.insight)
        }
    }

    /// Insights that hold all words of a query, in any form, the best first; including archived ones.
    package func searchInsights(_ query: String, limit: Int) async throws(StoreError) -> [Insight] {
        try await read { db in try InsightSearch.all(of: query, limit: max(0, limit), in: db) }
    }

    /// The live insights that are most relevant to a text, by its rarest words.
    package func insights(relevantTo text: String, limit: Int) async throws(StoreError) -> [Insight] {
        try await read { db in try InsightSearch.relevant(to: text, limit: max(0, limit), in: db) }
    }

    /// Insights that share a band, including archived and rejected ones.
    package func insights(sharing bands: [UInt64], limit: Int = 64) async throws(StoreError) -> [Insight] {
        guard !bands.isEmpty else { return [] }
        return try await read { db in
            let marks = databaseQuestionMarks(count: bands.count)
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT \(InsightRow.columns) FROM insight JOIN (
                        SELECT insight_id, count(*) AS shared FROM insight_band WHERE hash IN (\(marks))
                        GROUP BY insight_id ORDER BY shared DESC LIMIT ?
                    ) ON insight_id = insight.id ORDER BY shared DESC, insight.id
                    """, arguments: StatementArguments(bands.map { Int64(bitPattern: $0) }) + [max(0, limit)]
            ).map(InsightRow.insight)
        }
    }
}

extension InsightShelf {
    fileprivate var condition: String {
        switch self {
        case .live: "archived = 0 AND standing = 0"
        case .waiting: "archived = 0 AND standing = 1"
        case .rejected: "archived = 0 AND standing = 2"
        case .archived: "archived = 1"
        }
    }
}

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
