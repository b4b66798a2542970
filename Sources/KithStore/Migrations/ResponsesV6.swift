// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Version 6: responses that clients can read again and go on from.
enum ResponsesV6 {
    static func migrate(_ db: Database) throws {
        try db.execute(sql: responses)
        try db.execute(sql: outputs)
    }

    /// `size` is that of both texts, so that they need not be read to be counted.
    private static let responses = """
        CREATE TABLE response (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 128),
            owner TEXT NOT NULL CHECK (length(CAST(owner AS BLOB)) <= 128),
            created_at INTEGER NOT NULL,
            size INTEGER NOT NULL CHECK (size = length(items) + length(body) AND size <= 8388608),
            items BLOB NOT NULL,
            body BLOB NOT NULL
        ) STRICT;
        CREATE INDEX response_by_age ON response (created_at);
        """

    /// The items of each answer, by which clients may name them.
    private static let outputs = """
        CREATE TABLE response_output (
            item TEXT NOT NULL CHECK (length(CAST(item AS BLOB)) BETWEEN 1 AND 128),
            response_id INTEGER NOT NULL REFERENCES response (id) ON DELETE CASCADE,
            PRIMARY KEY (item, response_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX response_output_by_response ON response_output (response_id);
        """
}
