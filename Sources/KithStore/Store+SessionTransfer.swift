// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

/// What became of a conversation that another node sent.
package enum SessionImport: Hashable, Sendable {
    /// It is on disk, and continues what was there before.
    case stored
    /// All of it was there already.
    case held
    /// Another conversation has its name.
    case refused
    /// As many conversations are kept as may be, or as may be of the kin that sent it.
    case full
}

/// One conversation for people to read.
package struct SessionReading: Hashable, Sendable {
    package var summary: SessionSummary
    /// The latest last.
    package var turns: [ConversationTurn]
    /// Whether there are older turns.
    package var isCut: Bool
}

extension Store {
    /// The whole of a conversation; `nil` when there is none of this name.
    ///
    /// - Parameter textLimit: Bytes of all its text.
    /// - Throws: ``StoreError`` with ``StoreError/Code/limitReached`` when it has more.
    package func exportSession(
        _ session: SessionID, textLimit: Int
    ) async throws(StoreError) -> SessionExport? {
        try await read { db in
            guard let bytes = try StoredSession.textBytes(of: session, in: db) else { return nil }
            guard bytes <= textLimit else {
                throw StoreError(
                    .limitReached,
                    "the conversation is too long to be sent: its text has \(bytes) bytes, and at most \(textLimit) go")
            }
            return try StoredSession.fetch(session, in: db)
        }
    }

    /// Stores a conversation that another node kept, in place of the part that it continues; its tally and feedback stay
    /// there.
    ///
    /// No other conversation is dropped for it.
    ///
    /// - Parameter node: The kin that sent it.
    package func importSession(
        _ session: SessionExport, from node: NodeID
    ) async throws(StoreError) -> SessionImport {
        let session = StoredSession.kept(session, limits: limits)
        let outcome: SessionImport = try await write { [limits] db in
            if let existing = try StoredSession.fetch(session.id, in: db) {
                if existing.covers(session) { return .held }
                guard session.covers(existing) else { return .refused }
                let more = StoredSession.bytes(of: session) - StoredSession.bytes(of: existing)
                guard try SessionOrigin.hasRoom(for: node, more: max(0, more), in: db) else { return .full }
                try StoredSession.save(session, from: node, in: db)
                return .stored
            }
            let bytes = StoredSession.bytes(of: session)
            guard try SessionOrigin.hasRoom(for: node, bytes: bytes, limit: limits.sessions, in: db) else {
                return .full
            }
            try StoredSession.save(session, from: node, in: db)
            return .stored
        }
        if outcome == .stored { sessionChanges(SessionChange(session.id, .changed)) }
        return outcome
    }

    /// A kin was forgotten: what it sent and nobody has continued here is removed, or is this node's own from now on.
    package func settleSessions(of node: NodeID, removing: Bool) async throws(StoreError) {
        try await write { db in
            try TallyRecord.countEndedSessions(
                try SessionOrigin.settle(node, removing: removing, in: db), in: db)
        }
    }

    /// Deletes a conversation that another node keeps now; the feedback that was given to it stays.
    ///
    /// - Returns: `false` when it has been continued since it was sent; it is left alone then.
    package func removeSession(_ session: SessionExport) async throws(StoreError) -> Bool {
        let isGone = try await write { db in
            guard let existing = try StoredSession.fetch(session.id, in: db) else { return true }
            guard session.covers(existing) else { return false }
            try StoredSession.delete(session.id, in: db)
            return true
        }
        if isGone { sessionChanges(SessionChange(session.id, .deleted)) }
        return isGone
    }

    /// The last turns of a conversation, as many as have `textLimit` bytes of text; `nil` when there is none of this name.
    package func session(_ session: SessionID, textLimit: Int) async throws(StoreError) -> SessionReading? {
        try await read { db in try StoredSession.reading(session, textLimit: textLimit, in: db) }
    }
}

/// The statements that move a conversation.
private enum StoredSession {
    private static let turns = """
        SELECT turn.* FROM turn JOIN session ON session.id = turn.session_id WHERE session.name = ? ORDER BY turn.id
        """

    /// `nil` when there is no such session.
    static func textBytes(of session: SessionID, in db: Database) throws -> Int? {
        guard let key = try SessionRecord.key(of: session, in: db) else { return nil }
        return try Int.fetchOne(
            db, sql: "SELECT ifnull(sum(length(CAST(text AS BLOB))), 0) FROM turn WHERE session_id = ?",
            arguments: [key])
    }

    static func fetch(_ session: SessionID, in db: Database) throws -> SessionExport? {
        guard let summary = try summary(of: session, in: db) else { return nil }
        let rows = try Row.fetchAll(db, sql: turns, arguments: [session.rawValue])
        return SessionExport(
            id: session, createdAt: summary.createdAt, lastUsedAt: summary.lastUsedAt, turnCount: summary.turnCount,
            turns: try rows.map { row in
                let outcome = try row.decode(String?.self, forColumn: "outcome")
                return SessionExport.Turn(
                    turn: try TurnRecord(row: row).turn, outcome: outcome.flatMap(InteractionOutcome.init))
            })
    }

    static func reading(_ session: SessionID, textLimit: Int, in db: Database) throws -> SessionReading? {
        guard let summary = try summary(of: session, in: db) else { return nil }
        let newestFirst = try TurnRecord.fetchCursor(db, sql: turns + " DESC", arguments: [session.rawValue])
        var kept: [ConversationTurn] = []
        var room = textLimit
        while let record = try newestFirst.next() {
            room -= record.turn.text.utf8.count
            guard room >= 0 else { return SessionReading(summary: summary, turns: kept.reversed(), isCut: true) }
            kept.append(record.turn)
        }
        let isCut = kept.count / 2 < summary.turnCount
        return SessionReading(summary: summary, turns: kept.reversed(), isCut: isCut)
    }

    static func bytes(of session: SessionExport) -> Int {
        session.turns.reduce(0) { $0 + $1.turn.text.utf8.count }
    }

    static func save(_ session: SessionExport, from node: NodeID, in db: Database) throws {
        let (key, isNew, _) = try SessionRecord.use(session.id, at: session.lastUsedAt, limit: .max, in: db)
        if try isNew || SessionOrigin.exists(key, in: db) {
            try SessionOrigin.set(key, node, bytes: bytes(of: session), in: db)
        }
        try db.execute(
            sql: "UPDATE session SET created_at = ?, turn_count = ? WHERE id = ?",
            arguments: [session.createdAt.milliseconds, max(1, session.turnCount), key])
        try db.execute(sql: "DELETE FROM turn WHERE session_id = ?", arguments: [key])
        for turn in session.turns {
            try TurnRecord.insert(turn.turn, outcome: turn.outcome, session: key, in: db)
        }
    }

    static func delete(_ session: SessionID, in db: Database) throws {
        try db.execute(
            sql: "UPDATE feedback SET session_id = NULL WHERE session_id = (SELECT id FROM session WHERE name = ?)",
            arguments: [session.rawValue])
        _ = try SessionRecord.delete(session, in: db)
    }

    /// In the form in which this node's database can keep it.
    static func kept(_ session: SessionExport, limits: StoreLimits) -> SessionExport {
        var session = session
        session.turns = session.turns.suffix(limits.turnsPerSession).map { turn in
            var turn = turn
            turn.turn.text = KeptText(turn.turn.text, limit: limits.text).value
            turn.turn.model = turn.turn.model.map {
                ModelID(KeptText($0.rawValue, limit: StoreLimits.modelName).value)
            }
            return turn
        }
        return session
    }

    private static func summary(of session: SessionID, in db: Database) throws -> SessionSummary? {
        try SessionRecord.fetchOne(db, sql: "SELECT * FROM session WHERE name = ?", arguments: [session.rawValue])?
            .summary
    }
}
