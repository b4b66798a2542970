// SPDX-License-Identifier: Apache-2.0

/// One kept conversation without its text.
package struct SessionSummary: Hashable, Sendable {
    package var id: SessionID
    package var createdAt: WallTime
    package var lastUsedAt: WallTime
    /// Exchanges since the session began, those included whose text has been dropped.
    package var turnCount: Int

    package init(id: SessionID, createdAt: WallTime, lastUsedAt: WallTime, turnCount: Int) {
        self.id = id
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
        self.turnCount = turnCount
    }
}
