// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel
import Synchronization

extension Store {
    /// Keeps one question and its answer, and counts it in `ConversationState.turnCount` and the valence.
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
        let isNew = try await writeWithTally { [limits] db in
            let (key, isNew, dropped) = try SessionRecord.use(session, at: time, limit: limits.sessions, in: db)
            if !isNew { try SessionOrigin.clear(key, in: db) }
            try TurnRecord.insert(exchange.question, outcome: nil, session: key, in: db)
            try TurnRecord.insert(exchange.answer, outcome: outcome, session: key, in: db)
            try TurnRecord.dropOldest(of: key, keeping: limits.turnsPerSession, in: db)
            try TallyRecord.countTurn(in: db)
            try TallyRecord.countEndedSessions(dropped, in: db)
            return isNew
        }
        sessionChanges(SessionChange(session, isNew ? .created : .changed))
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

    /// The kept sessions in whose title, name or text these words stand, most recently used first.
    package func sessions(holding words: String, limit: Int) async throws(StoreError) -> [SessionSummary] {
        let held = min(max(0, limit), limits.sessions)
        return try await read { db in try SessionRecord.fetch(holding: words, in: db, limit: held).map(\.summary) }
    }

    /// Gives a session a name for people, or takes it away.
    ///
    /// - Parameter title: At most 256 bytes.
    /// - Returns: Whether there is such a session.
    package func renameSession(_ session: SessionID, to title: String?) async throws(StoreError) -> Bool {
        let isThere = try await write { db in try SessionRecord.rename(session, to: title, in: db) }
        if isThere { sessionChanges(SessionChange(session, .changed, title: title)) }
        return isThere
    }

    /// Deletes a session with its turns and feedback.
    ///
    /// Their place in the database is overwritten; SQLite's log may hold copies until it is overwritten, at the latest
    /// until ``close()``.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    package func deleteSession(_ session: SessionID) async throws(StoreError) -> Bool {
        let wasThere = try await write { db in
            guard try SessionRecord.delete(session, in: db) else { return false }
            try TallyRecord.countEndedSessions(1, in: db)
            return true
        }
        if wasThere { sessionChanges(SessionChange(session, .deleted)) }
        return wasThere
    }
}

extension Store {
    /// Counts an interaction without a session, in memory: ``flush()`` writes it. A crash loses what was not flushed.
    package func recordOutcome(_ outcome: InteractionOutcome, at time: WallTime) {
        tally.withLock { $0.record(outcome, at: time) }
    }

    /// Keeps what a user thought of an answer, and lets it pull the valence.
    ///
    /// - Parameter session: the conversation it is about; `nil` when it is about none.
    /// - Throws: ``StoreError`` with ``StoreError/Code/unknownSession``.
    package func addFeedback(
        session: SessionID?, score: FeedbackScore, comment: String? = nil, at time: WallTime
    ) async throws(StoreError) {
        let comment = comment.map { KeptText($0, limit: limits.text) }
        try await writeWithTally { [self] db in
            var key: Int64?
            if let session {
                key = try SessionRecord.key(of: session, in: db)
                if key == nil { throw StoreError(.unknownSession, "There is no session \"\(session)\".") }
            }
            try FeedbackRecord(session: key, score: score, comment: comment, time: time).insert(in: db)
            try FeedbackRecord.dropOldest(keeping: limits.feedback, in: db)
            tally.withLock { $0.record(score, at: time) }
        }
    }

    package func state(at now: WallTime) async throws(StoreError) -> ConversationState {
        let idleSince = now.advanced(by: .zero - StoreLimits.sessionIdle).milliseconds
        let (kept, idle, record) = try await read { db in
            let kept = try Int.fetchOne(db, sql: "SELECT count(*) FROM session")
            let idle = try Int.fetchOne(
                db, sql: "SELECT count(*) FROM session WHERE last_used_at < ?", arguments: [idleSince])
            return (kept ?? 0, idle ?? 0, try TallyRecord.fetch(db))
        }
        let tally = tally.withLock { $0.tally }
        let valence = tally.valence.score(at: now)
        return ConversationState(
            turnCount: record.turnCount, sessions: kept, sessionsCompleted: record.sessionsEnded + idle,
            valence: valence, moodTags: MoodTag.tags(valence: valence, recent: tally.recent.decayed(to: now)),
            outcomes: tally.outcomes)
    }
}

/// A question and its answer, ready to be stored.
struct Exchange: Sendable {
    let session: SessionID
    let question: ConversationTurn
    let answer: ConversationTurn
    let outcome: InteractionOutcome

    init(
        session: SessionID, user: String, assistant: String, outcome: InteractionOutcome, model: ModelID?,
        node: NodeName?, usage: TokenUsage?, time: WallTime, limits: StoreLimits
    ) {
        self.session = session
        self.outcome = outcome
        question = ConversationTurn(role: .user, text: KeptText(user, limit: limits.text).value, time: time)
        answer = ConversationTurn(
            role: .assistant,
            text: KeptText(assistant, limit: limits.text).value,
            time: time,
            model: model.map { ModelID(KeptText($0.rawValue, limit: StoreLimits.modelName).value) },
            node: node,
            // The counts come from other machines.
            tokens: usage.map {
                TokenUsage(promptTokens: max(0, $0.promptTokens), completionTokens: max(0, $0.completionTokens))
            })
    }

    /// An exchange that broke before its first word is not kept: the user asks again, and the history would then hold the
    /// question twice in a row.
    var isKept: Bool { outcome == .completed || !answer.text.isEmpty }
}
