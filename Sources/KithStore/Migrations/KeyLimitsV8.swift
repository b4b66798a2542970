// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Version 8: what the holder of a key may use at most, and what was used, by day.
///
/// Lists have a line break between their entries. A day is the number of days since 1970-01-01 in UTC; counts stop at what
/// every reader of JSON takes exactly.
enum KeyLimitsV8 {
    static func migrate(_ db: Database) throws {
        try db.execute(sql: limits)
        try db.execute(sql: usage)
    }

    private static let limits = """
        ALTER TABLE client_key ADD COLUMN rate TEXT CHECK (length(CAST(rate AS BLOB)) BETWEEN 3 AND 32);
        ALTER TABLE client_key ADD COLUMN tokens_per_day INTEGER CHECK (tokens_per_day >= 1);
        ALTER TABLE client_key ADD COLUMN concurrent INTEGER CHECK (concurrent >= 1);
        ALTER TABLE client_key ADD COLUMN priority TEXT NOT NULL DEFAULT 'interactive'
            CHECK (priority IN ('interactive', 'batch'));
        ALTER TABLE client_key ADD COLUMN models TEXT CHECK (length(CAST(models AS BLOB)) BETWEEN 1 AND 32768);
        ALTER TABLE client_key ADD COLUMN addresses TEXT CHECK (length(CAST(addresses AS BLOB)) BETWEEN 1 AND 8192);
        """

    private static let usage = """
        CREATE TABLE usage (
            day INTEGER NOT NULL,
            holder TEXT NOT NULL CHECK (length(CAST(holder AS BLOB)) BETWEEN 1 AND 64),
            model TEXT NOT NULL CHECK (length(CAST(model AS BLOB)) <= 512),
            node TEXT NOT NULL CHECK (length(CAST(node AS BLOB)) <= 64),
            requests INTEGER NOT NULL CHECK (requests BETWEEN 0 AND 9007199254740991),
            prompt_tokens INTEGER NOT NULL CHECK (prompt_tokens BETWEEN 0 AND 9007199254740991),
            answer_tokens INTEGER NOT NULL CHECK (answer_tokens BETWEEN 0 AND 9007199254740991),
            PRIMARY KEY (day, holder, model, node)
        ) STRICT, WITHOUT ROWID
        """
}
