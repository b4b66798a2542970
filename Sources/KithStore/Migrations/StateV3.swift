// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Version 3: the log of the state that kin share, which deliveries have been counted, and writes that wait for their
/// upstream. Unsigned 64-bit numbers are kept as the signed ones of the same bits.
enum StateV3 {
    static func migrate(_ db: Database) throws {
        try db.execute(sql: replicas)
        try db.execute(sql: operations)
        try db.execute(sql: deliveries)
        try db.execute(sql: queue)
    }

    /// The version vector and the floor are here too: an entry for each replica. One replica at most is this node's own.
    private static let replicas = """
        CREATE TABLE replica (
            id INTEGER PRIMARY KEY CHECK (id >= 1),
            node BLOB NOT NULL CHECK (length(node) = 32),
            epoch INTEGER NOT NULL,
            version INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),
            floor INTEGER NOT NULL DEFAULT 0 CHECK (floor >= 0),
            own INTEGER UNIQUE CHECK (own = 1),
            UNIQUE (node, epoch)
        ) STRICT
        """

    /// `seen` is what ``SeenBlob`` writes.
    private static let operations = """
        CREATE TABLE operation (
            replica_id INTEGER NOT NULL REFERENCES replica (id),
            sequence INTEGER NOT NULL CHECK (sequence >= 1),
            time INTEGER NOT NULL,
            kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 255),
            name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 128),
            source TEXT NOT NULL CHECK (length(CAST(source AS BLOB)) BETWEEN 1 AND 128),
            value BLOB CHECK (length(value) BETWEEN 1 AND 65536),
            seen BLOB CHECK (length(seen) BETWEEN 2 AND 5120),
            PRIMARY KEY (replica_id, sequence)
        ) STRICT, WITHOUT ROWID
        """

    /// The ids have no gaps, so that the newest can be found without counting.
    private static let deliveries = """
        CREATE TABLE delivery (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE CHECK (length(CAST(key AS BLOB)) BETWEEN 1 AND 128)
        ) STRICT
        """

    private static let queue = """
        CREATE TABLE queued_write (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            upstream TEXT NOT NULL CHECK (length(CAST(upstream AS BLOB)) BETWEEN 1 AND 512),
            delivery_key TEXT NOT NULL CHECK (length(CAST(delivery_key AS BLOB)) BETWEEN 1 AND 128),
            body BLOB NOT NULL CHECK (length(body) BETWEEN 1 AND 262144),
            queued_at INTEGER NOT NULL,
            UNIQUE (upstream, delivery_key)
        ) STRICT;
        CREATE INDEX queued_write_by_upstream ON queued_write (upstream, id);
        """
}
