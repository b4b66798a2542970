// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Version 2: who this node is, whom it trusts, which clients may ask it, and the audit trail. Times are milliseconds
/// since 1970; ids and digests are 32 bytes.
enum TrustV2 {
    static func migrate(_ db: Database) throws {
        try db.execute(sql: identity)
        try db.execute(sql: operations)
        try db.execute(sql: peers)
        try db.execute(sql: keys)
        try db.execute(sql: audit)
        try db.execute(sql: registry)
    }

    /// One row at most.
    private static let identity = """
        CREATE TABLE identity (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            node BLOB NOT NULL CHECK (length(node) = 32)
        ) STRICT
        """

    private static let operations = """
        CREATE TABLE trust_operation (
            author BLOB NOT NULL CHECK (length(author) = 32),
            sequence INTEGER NOT NULL CHECK (sequence >= 1),
            bytes BLOB NOT NULL CHECK (length(bytes) BETWEEN 1 AND 65536),
            PRIMARY KEY (author, sequence)
        ) STRICT, WITHOUT ROWID
        """

    /// An address's rank is its place in the peer's list: the most recent success first.
    private static let peers = """
        CREATE TABLE peer (
            id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
            tier TEXT NOT NULL CHECK (tier IN ('kin', 'kith')),
            name TEXT CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64),
            nickname TEXT CHECK (length(CAST(nickname AS BLOB)) BETWEEN 1 AND 64),
            last_seen_at INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE peer_address (
            peer_id BLOB NOT NULL REFERENCES peer (id) ON DELETE CASCADE,
            rank INTEGER NOT NULL CHECK (rank BETWEEN 0 AND 15),
            address TEXT NOT NULL CHECK (length(CAST(address AS BLOB)) BETWEEN 3 AND 263),
            PRIMARY KEY (peer_id, rank),
            UNIQUE (peer_id, address)
        ) STRICT, WITHOUT ROWID;
        """

    /// Scopes are words with a space between them.
    private static let keys = """
        CREATE TABLE client_key (
            id TEXT NOT NULL PRIMARY KEY CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 64),
            name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 128),
            scopes TEXT NOT NULL CHECK (length(CAST(scopes AS BLOB)) BETWEEN 1 AND 256),
            digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
            created_at INTEGER NOT NULL,
            expires_at INTEGER CHECK (expires_at > created_at),
            revoked_at INTEGER
        ) STRICT
        """

    private static let audit = """
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            kind TEXT NOT NULL CHECK (length(CAST(kind AS BLOB)) BETWEEN 1 AND 64),
            subject TEXT CHECK (length(CAST(subject AS BLOB)) <= 128),
            source TEXT CHECK (length(CAST(source AS BLOB)) <= 128),
            reason TEXT NOT NULL CHECK (length(CAST(reason AS BLOB)) <= 512),
            count INTEGER NOT NULL CHECK (count >= 1)
        ) STRICT
        """

    /// One row at most.
    private static let registry = """
        CREATE TABLE registry_snapshot (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            bytes BLOB NOT NULL CHECK (length(bytes) <= 4194304)
        ) STRICT
        """
}
