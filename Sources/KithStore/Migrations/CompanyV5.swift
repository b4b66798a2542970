// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Version 5: whether the owner has paused conversations with peers, which remains so after a restart.
enum CompanyV5 {
    static func migrate(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE companion_pause (
                    id INTEGER PRIMARY KEY CHECK (id = 1),
                    since INTEGER NOT NULL
                ) STRICT
                """)
    }
}
