// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// Finds insights by their words; see SQLite's FTS5.
enum InsightSearch {
    /// Bytes of a text that are looked at.
    private static let textLimit = 8_192
    private static let wordLimit = 64
    /// The number of words by which relevant insights are found.
    private static let rareWords = 3
    /// A word in more insights than this tells little, and would take long to go through.
    private static let commonCount = 300
    /// Where even the rarest word of a query is in more insights, all of them are much alike: weighing them one by one
    /// would tell little and take long.
    private static let weighedCount = 1_000
    /// This many times more are looked at than are wanted, in case some are not live.
    private static let reserve = 8

    static func all(of query: String, limit: Int, in db: Database) throws -> [Insight] {
        let words = try tokens(of: query, in: db)
        guard !words.isEmpty else { return [] }
        let pattern = words.map(quoted).joined(separator: " ")
        let rarest = try counts(of: words, in: db).min() ?? 0
        let order: Order = rarest > weighedCount ? .newestFirst : .bestFirst
        return try match(pattern, order, limit: limit, in: db)
    }

    static func relevant(to text: String, limit: Int, in db: Database) throws -> [Insight] {
        let words = try tokens(of: text, in: db)
        let rare = zip(words, try counts(of: words, in: db)).map { (word: $0, count: $1) }
            .filter { $0.count > 0 && $0.count <= commonCount && $0.word.utf8.count > 2 }
            .sorted { $0.count < $1.count }.prefix(rareWords)
        guard !rare.isEmpty else { return [] }
        let pattern = rare.map { quoted($0.word) }.joined(separator: " OR ")
        return Array(
            try match(pattern, .bestFirst, limit: Self.reserve * limit, in: db).lazy.filter { $0.standing == .live }
                .prefix(limit))
    }

    /// Notes that the words of a text are in `step` more insights.
    static func count(_ text: String, by step: Int, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO insight_word (word, count) VALUES (?, ?)
                ON CONFLICT (word) DO UPDATE SET count = count + excluded.count
                """)
        let unused = try db.cachedStatement(sql: "DELETE FROM insight_word WHERE word = ? AND count <= 0")
        for word in try tokens(of: text, in: db) {
            try statement.execute(arguments: [word, step])
            if step < 0 { try unused.execute(arguments: [word]) }
        }
    }

    private enum Order {
        /// Sorted by the index, which needs no more than the rows that are wanted for it. It counts all rows of each word.
        case bestFirst
        /// The index stops when it has enough rows.
        case newestFirst

        /// What is smaller comes first.
        var worth: String {
            switch self {
            case .bestFirst: "rank AS worth FROM insight_text WHERE insight_text MATCH ? ORDER BY rank"
            case .newestFirst: "-rowid AS worth FROM insight_text WHERE insight_text MATCH ? ORDER BY rowid DESC"
            }
        }
    }

    private static func match(_ pattern: String, _ order: Order, limit: Int, in db: Database) throws -> [Insight] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT \(InsightRow.columns) FROM (
                    SELECT rowid AS found, \(order.worth) LIMIT ?
                ) JOIN insight ON insight.id = found ORDER BY worth, found
                """, arguments: [pattern, limit]
        ).map(InsightRow.insight)
    }

    /// In how many insights each word stands.
    private static func counts(of words: [String], in db: Database) throws -> [Int] {
        let statement = try db.cachedStatement(sql: "SELECT count FROM insight_word WHERE word = ?")
        return try words.map { try Int.fetchOne(statement, arguments: [$0]) ?? 0 }
    }

    /// The words as the index has them, each once.
    private static func tokens(of text: String, in db: Database) throws -> [String] {
        let tokenizer = try db.makeTokenizer(.porter(wrapping: .unicode61(diacritics: .remove)))
        var seen: Set<String> = []
        let part = String(decoding: text.utf8.prefix(textLimit), as: UTF8.self).filter { $0 != "\0" }
        return try tokenizer.tokenize(query: part).map(\.token).filter { seen.insert($0).inserted }.prefix(wordLimit)
            .map { $0 }
    }

    /// As a string of FTS5's query language.
    private static func quoted(_ word: String) -> String { "\"" + word.filter { $0 != "\"" } + "\"" }
}
