// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Version 1: conversations, feedback and the tally of interactions. Times are milliseconds since 1970.
enum ConversationsV1 {
    static func migrate(_ db: Database) throws {
        try db.execute(sql: "PRAGMA application_id = \(StoreSchema.applicationID)")
        try db.execute(sql: sessions)
        try db.execute(sql: turns)
        try db.execute(sql: feedback)
        try db.execute(sql: tally)
    }

    /// `use_order`, not the time, tells which session was used last, because the wall clock may jump.
    private static let sessions = """
        CREATE TABLE session (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 128),
            created_at INTEGER NOT NULL,
            last_used_at INTEGER NOT NULL,
            use_order INTEGER NOT NULL UNIQUE,
            turn_count INTEGER NOT NULL CHECK (turn_count >= 1)
        ) STRICT
        """

    private static let turns = """
        CREATE TABLE turn (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            session_id INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
            role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
            text TEXT NOT NULL CHECK (length(CAST(text AS BLOB)) <= 262144),
            at INTEGER NOT NULL,
            outcome TEXT CHECK (outcome IN ('completed', 'failed', 'cut_off')),
            model TEXT CHECK (length(CAST(model AS BLOB)) <= 512),
            node TEXT CHECK (length(CAST(node AS BLOB)) BETWEEN 1 AND 64),
            prompt_tokens INTEGER CHECK (prompt_tokens >= 0),
            completion_tokens INTEGER CHECK (completion_tokens >= 0),
            CHECK ((role = 'assistant') = (outcome IS NOT NULL)),
            CHECK (role = 'assistant' OR (model IS NULL AND node IS NULL AND prompt_tokens IS NULL)),
            CHECK ((prompt_tokens IS NULL) = (completion_tokens IS NULL))
        ) STRICT;
        CREATE INDEX turn_by_session ON turn (session_id, id);
        """

    private static let feedback = """
        CREATE TABLE feedback (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            session_id INTEGER REFERENCES session (id) ON DELETE CASCADE,
            score REAL NOT NULL CHECK (score BETWEEN -1 AND 1),
            comment TEXT CHECK (length(CAST(comment AS BLOB)) <= 262144),
            at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX feedback_by_session ON feedback (session_id);
        """

    /// One row.
    private static let tally = """
        CREATE TABLE tally (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            turn_count INTEGER NOT NULL DEFAULT 0 CHECK (turn_count >= 0),
            sessions_ended INTEGER NOT NULL DEFAULT 0 CHECK (sessions_ended >= 0),
            completed INTEGER NOT NULL DEFAULT 0 CHECK (completed >= 0),
            failed INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
            cut_off INTEGER NOT NULL DEFAULT 0 CHECK (cut_off >= 0),
            valence REAL NOT NULL DEFAULT 0 CHECK (valence BETWEEN -1 AND 1),
            valence_at INTEGER NOT NULL DEFAULT 0,
            recent_completed REAL NOT NULL DEFAULT 0 CHECK (recent_completed >= 0),
            recent_troubled REAL NOT NULL DEFAULT 0 CHECK (recent_troubled >= 0),
            recent_at INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        INSERT INTO tally (id) VALUES (1);
        """
}
