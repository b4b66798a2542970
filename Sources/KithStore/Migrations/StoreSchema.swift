// SPDX-License-Identifier: Apache-2.0

import GRDB

/// All versions of the database's schema, oldest first.
///
/// A version that has been released is never edited; a change is a new version. The database names the versions it has
/// been through, so a program that meets one it does not know refuses to touch it.
enum StoreSchema {
    /// Marks the file as kith's (SQLite's `application_id`): the bytes of "kith".
    static let applicationID: Int32 = 0x6B69_7468

    static func migrator() -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1", migrate: ConversationsV1.migrate)
        migrator.registerMigration("v2", migrate: TrustV2.migrate)
        migrator.registerMigration("v3", migrate: StateV3.migrate)
        migrator.registerMigration("v4", migrate: CultureV4.migrate)
        migrator.registerMigration("v5", migrate: CompanyV5.migrate)
        return migrator
    }
}

/// Version 1: conversations, feedback and the tally of interactions. Times are milliseconds since 1970.
enum ConversationsV1 {
    static func migrate(_ db: Database) throws {
        try db.execute(sql: "PRAGMA application_id = \(StoreSchema.applicationID)")
        try db.execute(sql: sessions)
        try db.execute(sql: turns)
        try db.execute(sql: feedback)
        try db.execute(sql: tally)
    }

    /// `use_order` and not the time says which session was used last, because the wall clock may jump.
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

    /// The ids have no gaps, so that the newest can be told without counting.
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
