// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `session`.
struct SessionRecord: FetchableRecord {
    let summary: SessionSummary

    init(row: Row) throws {
        let name = try row.decode(String.self, forColumn: "name")
        guard let id = SessionID(name) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a session's name breaks the rules for names")
        }
        summary = SessionSummary(
            id: id,
            createdAt: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "created_at")),
            lastUsedAt: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "last_used_at")),
            turnCount: try row.decode(Int.self, forColumn: "turn_count"),
            title: try row.decode(String?.self, forColumn: "title"), opening: row["opening"])
    }

    /// Most recently used first.
    static func fetchRecent(_ db: Database, limit: Int) throws -> [SessionRecord] {
        try fetchAll(db, sql: "SELECT *\(opening) FROM session ORDER BY use_order DESC LIMIT ?", arguments: [limit])
    }

    private static let opening = """
        , (SELECT substr(text, 1, 80) FROM turn WHERE session_id = session.id AND role = 'user' ORDER BY id LIMIT 1) \
        AS opening
        """

    /// Those in whose title, name or text the words stand, in any case of ASCII's letters; most recently used first.
    static func fetch(holding words: String, in db: Database, limit: Int) throws -> [SessionRecord] {
        try fetchAll(
            db,
            sql: """
                SELECT *\(opening) FROM session
                WHERE instr(lower(ifnull(title, '')), lower(:words)) OR instr(lower(name), lower(:words))
                    OR EXISTS (
                        SELECT 1 FROM turn WHERE session_id = session.id AND instr(lower(text), lower(:words)))
                ORDER BY use_order DESC LIMIT :limit
                """,
            arguments: ["words": words, "limit": limit])
    }

    /// - Returns: whether there is such a session.
    static func rename(_ session: SessionID, to title: String?, in db: Database) throws -> Bool {
        try db.execute(sql: "UPDATE session SET title = ? WHERE name = ?", arguments: [title, session.rawValue])
        return db.changesCount > 0
    }

    static func key(of session: SessionID, in db: Database) throws -> Int64? {
        try Int64.fetchOne(db, sql: "SELECT id FROM session WHERE name = ?", arguments: [session.rawValue])
    }

    /// Counts one exchange in the session, which is created when there is none of this name.
    ///
    /// - Returns: the session's key, whether it was created, and how many others were dropped to make room for it.
    static func use(
        _ session: SessionID, at time: WallTime, limit: Int, in db: Database
    ) throws -> (key: Int64, isNew: Bool, dropped: Int) {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO session (name, created_at, last_used_at, use_order, turn_count)
                VALUES (:name, :time, :time, (SELECT ifnull(max(use_order), 0) + 1 FROM session), 1)
                ON CONFLICT (name) DO UPDATE SET
                    last_used_at = excluded.last_used_at,
                    use_order = excluded.use_order,
                    turn_count = turn_count + 1
                RETURNING id, turn_count
                """)
        let row = try Row.fetchOne(statement, arguments: ["name": session.rawValue, "time": time.milliseconds])
        guard let row else { throw DatabaseError(message: "no session came back") }
        let key = try row.decode(Int64.self, forColumn: "id")
        let isNew = try row.decode(Int.self, forColumn: "turn_count") == 1
        return (key, isNew, isNew ? try makeRoom(for: key, keeping: limit, in: db) : 0)
    }

    /// - Returns: whether there was one.
    static func delete(_ session: SessionID, in db: Database) throws -> Bool {
        try db.execute(sql: "DELETE FROM session WHERE name = ?", arguments: [session.rawValue])
        return db.changesCount > 0
    }

    /// Drops conversations for a new one: what kin have sent where that is more than its share; then those of one exchange, first
    /// the ones that nobody gave a name; and only then such as were gone on with. Each time the least recently used.
    private static func makeRoom(for key: Int64, keeping limit: Int, in db: Database) throws -> Int {
        try db.execute(
            sql: """
                DELETE FROM session WHERE id IN (
                    SELECT session.id FROM session LEFT JOIN session_origin ON session_id = session.id
                    WHERE session.id <> :new
                    ORDER BY
                        CASE
                            WHEN node IS NOT NULL AND (SELECT count(*) FROM session_origin) > :limit / 4 THEN 0
                            WHEN turn_count > 1 OR title IS NOT NULL THEN 3
                            WHEN substr(name, 1, 8) = 'session-' THEN 1
                            ELSE 2
                        END,
                        use_order
                    LIMIT max(0, (SELECT count(*) FROM session) - :limit))
                """,
            arguments: ["new": key, "limit": limit])
        return db.changesCount
    }
}

/// A row of `turn`.
struct TurnRecord: FetchableRecord {
    let turn: ConversationTurn

    init(row: Row) throws {
        let role = try row.decode(String.self, forColumn: "role")
        guard let role = ConversationTurn.Role(rawValue: role) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a turn's role is unknown")
        }
        turn = ConversationTurn(
            role: role,
            text: try row.decode(String.self, forColumn: "text"),
            time: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "at")),
            model: try row.decode(String?.self, forColumn: "model").map { ModelID($0) },
            node: try row.decode(String?.self, forColumn: "node").flatMap { NodeName($0) },
            tokens: try Self.tokens(of: row))
    }

    /// The last turns of a session, oldest of them first.
    static func fetchLast(_ limit: Int, of session: SessionID, in db: Database) throws -> [TurnRecord] {
        try fetchAll(
            db,
            sql: """
                SELECT turn.* FROM turn JOIN session ON session.id = turn.session_id
                WHERE session.name = ? ORDER BY turn.id DESC LIMIT ?
                """,
            arguments: [session.rawValue, limit]
        ).reversed()
    }

    /// - Parameter outcome: how the assistant's turn ended; `nil` exactly for the user's.
    static func insert(
        _ turn: ConversationTurn, outcome: InteractionOutcome?, session: Int64, in db: Database
    ) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO turn
                    (session_id, role, text, at, outcome, model, node, prompt_tokens, completion_tokens)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        try statement.execute(
            arguments: [
                session, turn.role.rawValue, turn.text, turn.time.milliseconds, outcome?.rawValue,
                turn.model?.rawValue, turn.node?.rawValue, turn.tokens?.promptTokens, turn.tokens?.completionTokens,
            ])
    }

    static func dropOldest(of session: Int64, keeping limit: Int, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                DELETE FROM turn WHERE session_id = :session AND id <=
                    (SELECT id FROM turn WHERE session_id = :session ORDER BY id DESC LIMIT 1 OFFSET :limit)
                """)
        try statement.execute(arguments: ["session": session, "limit": limit])
    }

    private static func tokens(of row: Row) throws -> TokenUsage? {
        guard let prompt = try row.decode(Int?.self, forColumn: "prompt_tokens"),
            let completion = try row.decode(Int?.self, forColumn: "completion_tokens")
        else { return nil }
        return TokenUsage(promptTokens: prompt, completionTokens: completion)
    }
}

/// A row of `feedback`.
struct FeedbackRecord {
    let session: Int64?
    let score: FeedbackScore
    let comment: KeptText?
    let time: WallTime

    func insert(in db: Database) throws {
        try db.execute(
            sql: "INSERT INTO feedback (session_id, score, comment, at) VALUES (?, ?, ?, ?)",
            arguments: [session, score.rawValue, comment?.value, time.milliseconds])
    }

    static func dropOldest(keeping limit: Int, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM feedback WHERE id <= (SELECT id FROM feedback ORDER BY id DESC LIMIT 1 OFFSET ?)",
            arguments: [limit])
    }
}
