// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// Finds insights by their words; see SQLite's FTS5.
enum InsightSearch {
    /// Bytes of a text that are looked at.
    private static let textLimit = 8_192
    private static let wordLimit = 64
    /// Words by which what is relevant is found.
    private static let rareWords = 6
    /// A word that more insights have tells nothing, and would take long to go through.
    private static let commonCount = 2_000

    static func all(of query: String, limit: Int, in db: Database) throws -> [Insight] {
        let words = try tokens(of: query, in: db)
        guard !words.isEmpty else { return [] }
        return try match(words.map(quoted).joined(separator: " "), condition: "1", limit: limit, in: db)
    }

    static func relevant(to text: String, limit: Int, in db: Database) throws -> [Insight] {
        let count = try db.cachedStatement(sql: "SELECT doc FROM insight_term WHERE term = ?")
        let rare = try tokens(of: text, in: db)
            .map { word in (word: word, count: try Int.fetchOne(count, arguments: [word]) ?? 0) }
            .filter { $0.count > 0 && $0.count <= commonCount && $0.word.utf8.count > 2 }
            .sorted { $0.count < $1.count }.prefix(rareWords)
        guard !rare.isEmpty else { return [] }
        let pattern = rare.map { quoted($0.word) }.joined(separator: " OR ")
        return try match(pattern, condition: "archived = 0 AND standing = 0", limit: limit, in: db)
    }

    private static func match(_ pattern: String, condition: String, limit: Int, in db: Database) throws -> [Insight] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT \(InsightRow.columns) FROM insight_text JOIN insight ON insight.id = insight_text.rowid
                WHERE insight_text MATCH ? AND \(condition) ORDER BY bm25(insight_text, 1.0, 0.3) LIMIT ?
                """, arguments: [pattern, limit]
        ).map(InsightRow.insight)
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
