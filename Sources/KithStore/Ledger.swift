// SPDX-License-Identifier: Apache-2.0

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
struct Ledger: Sendable {
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
