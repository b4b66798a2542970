// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Version 9: how kin are woken.
///
/// A card is its hardware address and its networks with a space between them, one a line; times are milliseconds, with a space
/// between them; models are JSON as the kin has told them.
enum WakeV9 {
    static func migrate(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE peer_wake (
                    peer_id BLOB NOT NULL PRIMARY KEY REFERENCES peer (id) ON DELETE CASCADE,
                    cards TEXT NOT NULL CHECK (length(CAST(cards AS BLOB)) <= 4096),
                    allows_prompts INTEGER NOT NULL CHECK (allows_prompts IN (0, 1)),
                    times TEXT NOT NULL CHECK (length(CAST(times AS BLOB)) <= 128),
                    asleep_since INTEGER,
                    models BLOB NOT NULL CHECK (length(models) <= 65536)
                ) STRICT, WITHOUT ROWID
                """)
    }
}
