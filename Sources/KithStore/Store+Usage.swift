// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// Adds to what was counted before, and drops days that are older than ``StoreLimits/usageDays``, and the oldest beyond
    /// ``StoreLimits/usageRows``.
    ///
    /// - Parameter today: The day that is now.
    package func addUsage(
        _ counts: [UsageSubject: UsageCount], today: UTCDay
    ) async throws(StoreError) {
        if counts.isEmpty { return }
        try await write { [limits] db in
            var isNew = false
            for (subject, count) in counts {
                if try UsageRow.add(count, to: subject, limit: limits.usageRowsPerDay, in: db) { isNew = true }
            }
            guard isNew else { return }
            try UsageRow.drop(before: today.advanced(by: 1 - StoreLimits.usageDays), in: db)
            try UsageRow.dropOldest(keeping: limits.usageRows, in: db)
        }
    }

    /// What was used from one day to another, both included, the newest day first.
    ///
    /// - Parameter holder: Whose requests; `nil` for all.
    package func usage(
        from first: UTCDay, to last: UTCDay, of holder: String? = nil
    ) async throws(StoreError) -> [(subject: UsageSubject, count: UsageCount)] {
        try await read { [limits] db in
            try UsageRow.fetch(first, last, holder, limit: limits.usageRows, in: db)
        }
    }

    /// Tokens that each caller has used on a day.
    package func tokensUsed(on day: UTCDay) async throws(StoreError) -> [String: Int] {
        try await read { db in try UsageRow.tokens(on: day, in: db) }
    }
}

/// A row of `usage`.
enum UsageRow {
    private static let longestName = 64

    /// - Parameter limit: Rows of a day; what would need one more is counted among others.
    /// - Returns: Whether there may be a row more.
    static func add(_ count: UsageCount, to subject: UsageSubject, limit: Int, in db: Database) throws -> Bool {
        var (model, node) = (
            KeptText(subject.model, limit: StoreLimits.modelName).value,
            KeptText(subject.node, limit: longestName).value
        )
        let holder = KeptText(subject.holder, limit: longestName).value
        let known = try Bool.fetchOne(
            db, sql: "SELECT 1 FROM usage WHERE day = ? AND holder = ? AND model = ? AND node = ?",
            arguments: [subject.day.number, holder, model, node])
        if known == nil,
            try Int.fetchOne(db, sql: "SELECT count(*) FROM usage WHERE day = ?", arguments: [subject.day.number]) ?? 0
                >= limit
        {
            (model, node) = (UsageSubject.others, UsageSubject.others)
        }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO usage (day, holder, model, node, requests, prompt_tokens, answer_tokens)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (day, holder, model, node) DO UPDATE SET
                    requests = min(requests + excluded.requests, 9007199254740991),
                    prompt_tokens = min(prompt_tokens + excluded.prompt_tokens, 9007199254740991),
                    answer_tokens = min(answer_tokens + excluded.answer_tokens, 9007199254740991)
                """)
        try statement.execute(
            arguments: [
                subject.day.number, holder, model, node, min(count.requests, UsageCount.most),
                min(count.promptTokens, UsageCount.most), min(count.answerTokens, UsageCount.most),
            ])
        return known == nil
    }

    static func drop(before day: UTCDay, in db: Database) throws {
        try db.execute(sql: "DELETE FROM usage WHERE day < ?", arguments: [day.number])
    }

    /// Whole days are dropped, so that what is left of a day is all of it.
    static func dropOldest(keeping limit: Int, in db: Database) throws {
        while try Int.fetchOne(db, sql: "SELECT count(*) FROM usage") ?? 0 > limit {
            try db.execute(
                sql: """
                    DELETE FROM usage WHERE day = (SELECT min(day) FROM usage)
                    AND day < (SELECT max(day) FROM usage)
                    """)
            if db.changesCount == 0 { return }
        }
    }

    static func fetch(
        _ first: UTCDay, _ last: UTCDay, _ holder: String?, limit: Int, in db: Database
    ) throws -> [(subject: UsageSubject, count: UsageCount)] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT * FROM usage WHERE day BETWEEN ? AND ? AND (? IS NULL OR holder = ?)
                ORDER BY day DESC, holder, model, node LIMIT ?
                """,
            arguments: [first.number, last.number, holder, holder, limit])
        return try rows.map { row in
            (
                UsageSubject(
                    day: UTCDay(number: try row.decode(Int.self, forColumn: "day")),
                    holder: try row.decode(String.self, forColumn: "holder"),
                    model: try row.decode(String.self, forColumn: "model"),
                    node: try row.decode(String.self, forColumn: "node")),
                UsageCount(
                    requests: try row.decode(Int.self, forColumn: "requests"),
                    promptTokens: try row.decode(Int.self, forColumn: "prompt_tokens"),
                    answerTokens: try row.decode(Int.self, forColumn: "answer_tokens"))
            )
        }
    }

    static func tokens(on day: UTCDay, in db: Database) throws -> [String: Int] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT holder, CAST(min(total(prompt_tokens) + total(answer_tokens), 9007199254740991) AS INTEGER)
                    AS tokens
                FROM usage WHERE day = ? GROUP BY holder
                """,
            arguments: [day.number])
        return try rows.reduce(into: [:]) { found, row in
            found[try row.decode(String.self, forColumn: "holder")] = try row.decode(Int.self, forColumn: "tokens")
        }
    }
}
