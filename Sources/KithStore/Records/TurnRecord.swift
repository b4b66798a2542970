// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

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
