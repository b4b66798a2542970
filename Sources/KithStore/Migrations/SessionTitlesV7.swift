// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Version 7: names that the owner gives to conversations.
enum SessionTitlesV7 {
    static func migrate(_ db: Database) throws {
        try db.execute(
            sql: "ALTER TABLE session ADD COLUMN title TEXT CHECK (length(CAST(title AS BLOB)) BETWEEN 1 AND 256)")
    }
}
