// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension Store {
    /// Keeps one question and its answer, and counts it in ``ConversationState/turnCount`` and the valence.
    ///
    /// The session is created when there is none of this name. An exchange that failed or was cut off before its first
    /// word leaves no turns: it only counts as ``recordOutcome(_:at:)`` does.
    ///
    /// - Parameters:
    ///   - outcome: how the answer ended.
    ///   - node: whose engine answered.
    package func appendExchange(
        session: SessionID, user: String, assistant: String, outcome: InteractionOutcome, model: ModelID? = nil,
        node: NodeName? = nil, usage: TokenUsage? = nil, at time: WallTime
    ) async throws(StoreError) {
        let exchange = Exchange(
            session: session, user: user, assistant: assistant, outcome: outcome, model: model, node: node,
            usage: usage, time: time, limits: limits)
        recordOutcome(outcome, at: time)
        guard exchange.isKept else { return }
        try await writeWithTally { [limits] db in
            let (key, dropped) = try SessionRecord.use(session, at: time, limit: limits.sessions, in: db)
            try TurnRecord.insert(exchange.question, outcome: nil, session: key, in: db)
            try TurnRecord.insert(exchange.answer, outcome: outcome, session: key, in: db)
            try TurnRecord.dropOldest(of: key, keeping: limits.turnsPerSession, in: db)
            try TallyRecord.countTurn(in: db)
            try TallyRecord.countEndedSessions(dropped, in: db)
        }
    }

    /// The last turns of a session, newest last, beginning with a turn of the user; empty when there is no such session.
    ///
    /// - Parameter limit: turns at most; when it falls inside an exchange, one less is returned.
    package func history(session: SessionID, limit: Int) async throws(StoreError) -> [ConversationTurn] {
        let held = min(max(0, limit), limits.turnsPerSession)
        let turns = try await read { db in try TurnRecord.fetchLast(held, of: session, in: db).map(\.turn) }
        return turns.first?.role == .assistant ? Array(turns.dropFirst()) : turns
    }

    /// The kept sessions, most recently used first.
    package func sessions(limit: Int) async throws(StoreError) -> [SessionSummary] {
        let held = min(max(0, limit), limits.sessions)
        return try await read { db in try SessionRecord.fetchRecent(db, limit: held).map(\.summary) }
    }

    /// Deletes a session with its turns and feedback.
    ///
    /// Their place in the database is overwritten; SQLite's log may hold copies until it comes round, at the latest until
    /// ``close()``.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    package func deleteSession(_ session: SessionID) async throws(StoreError) -> Bool {
        try await write { db in
            guard try SessionRecord.delete(session, in: db) else { return false }
            try TallyRecord.countEndedSessions(1, in: db)
            return true
        }
    }
}
