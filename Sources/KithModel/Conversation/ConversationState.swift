// SPDX-License-Identifier: Apache-2.0

/// How one request of a user ended.
///
/// A request that its own client gave up is none of these: it says nothing about how well it was served.
package enum InteractionOutcome: String, Hashable, Sendable, Codable, CaseIterable {
    /// The whole answer reached the client.
    case completed
    /// No answer could be given.
    case failed
    /// The answer began and broke off.
    case cutOff = "cut_off"
}

/// How many interactions ended in each way, since the node's first start.
package struct OutcomeCounts: Hashable, Sendable, Codable {
    package var completed: Int
    package var failed: Int
    package var cutOff: Int

    package init(completed: Int = 0, failed: Int = 0, cutOff: Int = 0) {
        self.completed = completed
        self.failed = failed
        self.cutOff = cutOff
    }

    package mutating func count(_ outcome: InteractionOutcome) {
        switch outcome {
        case .completed: completed &+= 1
        case .failed: failed &+= 1
        case .cutOff: cutOff &+= 1
        }
    }
}

/// How much happened lately and how much of it went wrong: counts that halve every ``halfLife``.
package struct RecentOutcomes: Hashable, Sendable {
    package static let halfLife = HalfLife(.seconds(3_600))

    /// Completed interactions, decayed to ``time``; never negative.
    package private(set) var completed: Double
    /// Failed and cut-off interactions, decayed to ``time``; never negative.
    package private(set) var troubled: Double
    package private(set) var time: WallTime

    /// - Parameters: counts below 0, and what is not a finite number, count as 0.
    package init(completed: Double = 0, troubled: Double = 0, at time: WallTime = .epoch) {
        self.completed = completed.isFinite ? max(0, completed) : 0
        self.troubled = troubled.isFinite ? max(0, troubled) : 0
        self.time = time
    }

    /// The counts as they have decayed by `now`; unchanged when `now` is earlier than ``time``.
    package func decayed(to now: WallTime) -> RecentOutcomes {
        let factor = Self.halfLife.remainder(from: time, to: now)
        return RecentOutcomes(completed: completed * factor, troubled: troubled * factor, at: now)
    }

    package mutating func record(_ outcome: InteractionOutcome, at now: WallTime) {
        self = decayed(to: now)
        switch outcome {
        case .completed: completed += 1
        case .failed, .cutOff: troubled += 1
        }
    }
}

/// A word for how a node is doing, as the seeds' `mood_tags` show it.
package enum MoodTag: String, Hashable, Sendable, Codable, CaseIterable {
    case delighted, content, calm, strained, distressed
    case idle, busy
    case struggling

    /// The words that hold, in this order:
    ///
    /// 1. Always one for the valence: `delighted` from 0.6, `content` from 0.2, `calm` between -0.2 and 0.2, `strained`
    ///    down from -0.2, `distressed` down from -0.6.
    /// 2. `idle` when less than half an interaction is left in the recent counts, `busy` from 20.
    /// 3. `struggling` when at least three recent interactions, and at least half of all, went wrong.
    ///
    /// - Parameters:
    ///   - valence: from -1 to 1.
    ///   - recent: the counts decayed to now.
    package static func tags(valence: Double, recent: RecentOutcomes) -> [MoodTag] {
        var tags = [tag(valence: valence)]
        let total = recent.completed + recent.troubled
        if total < 0.5 {
            tags.append(.idle)
        } else if total >= 20 {
            tags.append(.busy)
        }
        if recent.troubled >= 3, recent.troubled * 2 >= total { tags.append(.struggling) }
        return tags
    }

    private static func tag(valence: Double) -> MoodTag {
        if valence >= 0.6 {
            .delighted
        } else if valence >= 0.2 {
            .content
        } else if valence <= -0.6 {
            .distressed
        } else if valence <= -0.2 {
            .strained
        } else {
            .calm
        }
    }
}

/// What a node says about its conversations, as the seeds' `GET /api/state` shows it.
package struct ConversationState: Hashable, Sendable {
    /// Exchanges in sessions that got at least a part of an answer, since the node's first start.
    package var turnCount: Int
    /// Sessions kept now.
    package var sessions: Int
    /// Sessions kept now but idle for more than 30 minutes, and all that were deleted or dropped.
    package var sessionsCompleted: Int
    /// How interactions went lately, from -1 to 1: see ``Valence``.
    package var valence: Double
    package var moodTags: [MoodTag]
    /// All interactions, including those without a session.
    package var outcomes: OutcomeCounts

    package init(
        turnCount: Int, sessions: Int, sessionsCompleted: Int, valence: Double, moodTags: [MoodTag],
        outcomes: OutcomeCounts
    ) {
        self.turnCount = turnCount
        self.sessions = sessions
        self.sessionsCompleted = sessionsCompleted
        self.valence = valence
        self.moodTags = moodTags
        self.outcomes = outcomes
    }
}
