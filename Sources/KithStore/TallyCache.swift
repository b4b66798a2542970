// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// How all interactions went.
struct Tally: Hashable, Sendable {
    var outcomes = OutcomeCounts()
    var valence = Valence()
    var recent = RecentOutcomes()
}

/// The tally in memory, which is ahead of the file by what has not been flushed.
///
/// Memory is the truth: an event is recorded here first, and a transaction saves the whole tally. One that is rolled
/// back loses nothing, because the next saves it again.
struct TallyCache: Sendable {
    struct Snapshot: Sendable {
        var tally: Tally
        var revision: UInt64
    }

    private(set) var tally: Tally
    private var revision: UInt64 = 0
    private var savedRevision: UInt64 = 0

    init(saved tally: Tally) { self.tally = tally }

    var snapshot: Snapshot { Snapshot(tally: tally, revision: revision) }

    /// Whether the file lacks something.
    var isAhead: Bool { revision > savedRevision }

    mutating func record(_ outcome: InteractionOutcome, at time: WallTime) {
        tally.outcomes.count(outcome)
        tally.valence.record(.outcome(outcome), at: time)
        tally.recent.record(outcome, at: time)
        revision += 1
    }

    mutating func record(_ feedback: FeedbackScore, at time: WallTime) {
        tally.valence.record(.feedback(feedback), at: time)
        revision += 1
    }

    mutating func recordLearned(at time: WallTime) {
        tally.valence.record(.learned, at: time)
        revision += 1
    }

    /// Notes that the tally of this revision is in the file. Confirmations may come in any order.
    mutating func confirmSaved(_ revision: UInt64) { savedRevision = max(savedRevision, revision) }
}

/// The row of `tally`: the part that ``TallyCache`` keeps in memory, and the counts that change with rows only.
struct TallyRecord: FetchableRecord {
    let tally: Tally
    let turnCount: Int
    let sessionsEnded: Int

    init(row: Row) throws {
        turnCount = try row.decode(Int.self, forColumn: "turn_count")
        sessionsEnded = try row.decode(Int.self, forColumn: "sessions_ended")
        tally = Tally(
            outcomes: OutcomeCounts(
                completed: try row.decode(Int.self, forColumn: "completed"),
                failed: try row.decode(Int.self, forColumn: "failed"),
                cutOff: try row.decode(Int.self, forColumn: "cut_off")),
            valence: Valence(
                score: try row.decode(Double.self, forColumn: "valence"),
                at: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "valence_at"))),
            recent: RecentOutcomes(
                completed: try row.decode(Double.self, forColumn: "recent_completed"),
                troubled: try row.decode(Double.self, forColumn: "recent_troubled"),
                at: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "recent_at"))))
    }

    static func fetch(_ db: Database) throws -> TallyRecord {
        guard let record = try fetchOne(db, sql: "SELECT * FROM tally") else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the tally is missing")
        }
        return record
    }

    static func save(_ tally: Tally, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                UPDATE tally SET completed = ?, failed = ?, cut_off = ?, valence = ?, valence_at = ?,
                    recent_completed = ?, recent_troubled = ?, recent_at = ?
                """)
        try statement.execute(
            arguments: [
                tally.outcomes.completed, tally.outcomes.failed, tally.outcomes.cutOff,
                tally.valence.score, tally.valence.time.milliseconds,
                tally.recent.completed, tally.recent.troubled, tally.recent.time.milliseconds,
            ])
    }

    static func countTurn(in db: Database) throws {
        try db.execute(sql: "UPDATE tally SET turn_count = turn_count + 1")
    }

    static func countEndedSessions(_ count: Int, in db: Database) throws {
        if count == 0 { return }
        try db.execute(sql: "UPDATE tally SET sessions_ended = sessions_ended + ?", arguments: [count])
    }
}
