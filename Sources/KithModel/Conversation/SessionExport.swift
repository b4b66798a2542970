// SPDX-License-Identifier: Apache-2.0

/// One kept conversation with all that a node needs to go on with it.
package struct SessionExport: Hashable, Sendable {
    package struct Turn: Hashable, Sendable {
        package var turn: ConversationTurn
        /// How the assistant's turn ended; `nil` exactly for the user's.
        package var outcome: InteractionOutcome?

        package init(turn: ConversationTurn, outcome: InteractionOutcome?) {
            self.turn = turn
            self.outcome = outcome
        }
    }

    package var id: SessionID
    package var createdAt: WallTime
    package var lastUsedAt: WallTime
    /// Exchanges since the conversation began, those included whose text has been dropped.
    package var turnCount: Int
    /// Questions and answers in turn, as far as they have not been dropped.
    package var turns: [Turn]

    package init(id: SessionID, createdAt: WallTime, lastUsedAt: WallTime, turnCount: Int, turns: [Turn]) {
        self.id = id
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
        self.turnCount = turnCount
        self.turns = turns
    }

    /// Whether this one holds all that the other holds, and maybe more; what is so old that it was dropped does not count.
    package func covers(_ other: SessionExport) -> Bool {
        let (ours, theirs) = (places, other.places)
        let shared = ours.clamped(to: theirs)
        guard !shared.isEmpty, ours.upperBound >= theirs.upperBound else { return false }
        return turns[shared.shifted(by: ours.lowerBound)] == other.turns[shared.shifted(by: theirs.lowerBound)]
    }

    /// Which turns of the whole conversation are there, counted from 0.
    private var places: Range<Int> {
        let (counted, overflow) = max(0, turnCount).multipliedReportingOverflow(by: 2)
        let end = max(overflow ? .max : counted, turns.count)
        return end - turns.count..<end
    }
}

extension Range<Int> {
    /// Both bounds less the start of a range that contains them.
    fileprivate func shifted(by start: Int) -> Range<Int> { lowerBound - start..<upperBound - start }
}
