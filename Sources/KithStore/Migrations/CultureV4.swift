// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Version 4: the culture as it is searched, the exchanges that it comes from, what is known of peers as companions, and
/// what was not said to them. Insights are kept in the log of the shared state, too, from which kin get them.
enum CultureV4 {
    static func migrate(_ db: Database) throws {
        try db.execute(sql: insights)
        try db.execute(sql: text)
        try db.execute(sql: bands)
        try db.execute(sql: exchanges)
        try db.execute(sql: companions)
        try db.execute(sql: refusals)
        try db.execute(sql: budget)
    }

    /// `standing` is 0 for live, 1 for waiting, 2 for rejected; `reason` says why one waits. `reinforcements` is JSON.
    private static let insights = """
        CREATE TABLE insight (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE CHECK (length(name) = 32),
            text TEXT NOT NULL CHECK (length(CAST(text AS BLOB)) BETWEEN 1 AND 512),
            topic TEXT NOT NULL CHECK (length(CAST(topic AS BLOB)) <= 512),
            peer TEXT NOT NULL CHECK (length(CAST(peer AS BLOB)) <= 512),
            tier TEXT NOT NULL CHECK (length(tier) <= 16),
            model TEXT CHECK (length(CAST(model AS BLOB)) <= 512),
            exchange TEXT NOT NULL CHECK (length(CAST(exchange AS BLOB)) <= 64),
            node BLOB NOT NULL CHECK (length(node) = 32),
            learned_at INTEGER NOT NULL,
            last_learned_at INTEGER NOT NULL,
            times INTEGER NOT NULL CHECK (times >= 1),
            quality REAL NOT NULL CHECK (quality BETWEEN 0 AND 1),
            standing INTEGER NOT NULL CHECK (standing BETWEEN 0 AND 2),
            reason TEXT CHECK (length(reason) <= 32),
            reinforcements TEXT NOT NULL CHECK (length(CAST(reinforcements AS BLOB)) <= 65536),
            archived INTEGER NOT NULL CHECK (archived IN (0, 1))
        ) STRICT;
        CREATE INDEX insight_by_time ON insight (archived, standing, last_learned_at);
        """

    /// The index holds no copy of the texts; triggers keep it and the table in step. The number of insights that hold a
    /// word is counted separately: the index would have to go through all of them.
    private static let text = """
        CREATE VIRTUAL TABLE insight_text USING fts5 (
            text, topic, content = 'insight', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
        );
        INSERT INTO insight_text (insight_text, rank) VALUES ('rank', 'bm25(1.0, 0.3)');
        CREATE TABLE insight_word (
            word TEXT PRIMARY KEY,
            count INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER insight_inserted AFTER INSERT ON insight BEGIN
            INSERT INTO insight_text (rowid, text, topic) VALUES (new.id, new.text, new.topic);
        END;
        CREATE TRIGGER insight_deleted AFTER DELETE ON insight BEGIN
            INSERT INTO insight_text (insight_text, rowid, text, topic) VALUES ('delete', old.id, old.text, old.topic);
        END;
        CREATE TRIGGER insight_changed AFTER UPDATE OF text, topic ON insight BEGIN
            INSERT INTO insight_text (insight_text, rowid, text, topic) VALUES ('delete', old.id, old.text, old.topic);
            INSERT INTO insight_text (rowid, text, topic) VALUES (new.id, new.text, new.topic);
        END;
        """

    /// Similar insights share a band; the hash tells the bands apart.
    private static let bands = """
        CREATE TABLE insight_band (
            hash INTEGER NOT NULL,
            insight_id INTEGER NOT NULL REFERENCES insight (id) ON DELETE CASCADE,
            PRIMARY KEY (hash, insight_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX insight_band_by_insight ON insight_band (insight_id);
        """

    private static let exchanges = """
        CREATE TABLE exchange (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64),
            at INTEGER NOT NULL,
            peer TEXT NOT NULL CHECK (length(CAST(peer AS BLOB)) <= 512),
            tier TEXT NOT NULL CHECK (length(tier) <= 16),
            topic TEXT NOT NULL CHECK (length(CAST(topic AS BLOB)) <= 512),
            outcome TEXT NOT NULL CHECK (length(outcome) <= 32),
            note TEXT CHECK (length(CAST(note AS BLOB)) <= 1024),
            insight TEXT CHECK (length(insight) = 32),
            duration INTEGER NOT NULL CHECK (duration >= 0),
            tokens INTEGER NOT NULL CHECK (tokens >= 0)
        ) STRICT
        """

    private static let companions = """
        CREATE TABLE companion (
            key TEXT PRIMARY KEY CHECK (length(CAST(key AS BLOB)) BETWEEN 1 AND 512),
            name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) <= 512),
            gains REAL NOT NULL,
            losses REAL NOT NULL,
            at INTEGER NOT NULL,
            exchanges INTEGER NOT NULL,
            successes INTEGER NOT NULL,
            strikes INTEGER NOT NULL,
            pauses INTEGER NOT NULL,
            paused_until INTEGER,
            latency INTEGER
        ) STRICT, WITHOUT ROWID
        """

    /// `text` is what was not sent; it stays on this machine, for its owner.
    private static let refusals = """
        CREATE TABLE refusal (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            peer TEXT NOT NULL CHECK (length(CAST(peer AS BLOB)) <= 512),
            reason TEXT NOT NULL CHECK (length(reason) <= 32),
            text TEXT NOT NULL CHECK (length(CAST(text AS BLOB)) <= 1024)
        ) STRICT
        """

    private static let budget = """
        CREATE TABLE exchange_budget (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            day INTEGER NOT NULL,
            exchanges INTEGER NOT NULL,
            tokens INTEGER NOT NULL
        ) STRICT
        """
}
