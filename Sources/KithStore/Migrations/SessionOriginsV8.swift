// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Version 8 of conversations: which of them kin have sent and nobody has continued here, with the bytes of their text.
enum SessionOriginsV8 {
    static func migrate(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE session_origin (
                    session_id INTEGER PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
                    node BLOB NOT NULL CHECK (length(node) = 32),
                    bytes INTEGER NOT NULL CHECK (bytes >= 0)
                ) STRICT
                """)
    }
}
