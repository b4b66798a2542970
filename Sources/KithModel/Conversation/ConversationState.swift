// SPDX-License-Identifier: Apache-2.0

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
    /// All interactions, those without a session included.
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
