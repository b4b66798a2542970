// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

/// An insight and the bands under which what is like it is found.
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
    /// Puts insights in, or in the place of those with the same id; all of them or none.
    package func put(_ insights: [IndexedInsight]) async throws(StoreError) {
        try await write { db in
            for each in insights {
                try InsightRow.put(each.insight, bands: each.bands, in: db)
            }
        }
    }

    /// Those that are not there are no matter.
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

    /// Of these those that are there, in no order.
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

    /// Those that were learned last come first.
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

    /// Those that hold all words of a query, in any form, the best first; archived ones, too.
    package func searchInsights(_ query: String, limit: Int) async throws(StoreError) -> [Insight] {
        try await read { db in try InsightSearch.all(of: query, limit: max(0, limit), in: db) }
    }

    /// The live ones that have the most to do with a text, by its rarest words.
    package func insights(relevantTo text: String, limit: Int) async throws(StoreError) -> [Insight] {
        try await read { db in try InsightSearch.relevant(to: text, limit: max(0, limit), in: db) }
    }

    /// Those that share a band, archived and unwanted ones among them.
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
