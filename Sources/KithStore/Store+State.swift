// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel
import Synchronization

extension Store {
    /// Counts an interaction without a session, in memory: ``flush()`` writes it. A crash loses what was not flushed.
    package func recordOutcome(_ outcome: InteractionOutcome, at time: WallTime) {
        ledger.withLock { $0.record(outcome, at: time) }
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
            ledger.withLock { $0.record(score, at: time) }
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
        let tally = ledger.withLock { $0.tally }
        let valence = tally.valence.score(at: now)
        return ConversationState(
            turnCount: record.turnCount, sessions: kept, sessionsCompleted: record.sessionsEnded + idle,
            valence: valence, moodTags: MoodTag.tags(valence: valence, recent: tally.recent.decayed(to: now)),
            outcomes: tally.outcomes)
    }
}
