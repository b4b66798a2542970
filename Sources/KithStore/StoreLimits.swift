// SPDX-License-Identifier: Apache-2.0

/// What the store keeps at most, and how often it writes what it counts in memory.
///
/// Every cap is enforced in the transaction that would go beyond it.
package struct StoreLimits: Hashable, Sendable {
    /// The most bytes of UTF-8 that one turn may have in any configuration; the schema refuses more.
    package static let largestText = 256 * 1_024
    /// The most bytes of a model's name; longer names are cut.
    package static let modelName = 512
    /// A session that nobody used for longer counts as completed.
    package static let sessionIdle: Duration = .seconds(30 * 60)
    /// How long an outcome recorded without a session may be in memory only.
    package static let flushInterval: Duration = .seconds(5)
    /// How long a statement waits for another process that holds the file.
    package static let busyTimeout: Duration = .seconds(5)

    /// Beyond it, the least recently used session is dropped with its turns and feedback.
    package let sessions: Int
    /// Beyond it, the session's oldest turns are dropped, an exchange at a time.
    package let turnsPerSession: Int
    /// Bytes of UTF-8 of a turn or comment. Longer text is cut at a character boundary and marked.
    package let text: Int
    /// Beyond it, the oldest feedback is dropped.
    package let feedback: Int

    package static let standard = StoreLimits()

    /// Limits out of range are held to it: at least one session, one exchange (two turns), 64 bytes and one feedback.
    package init(
        sessions: Int = 1_000, turnsPerSession: Int = 2_000, text: Int = StoreLimits.largestText,
        feedback: Int = 10_000
    ) {
        self.sessions = max(1, sessions)
        self.turnsPerSession = max(2, turnsPerSession) / 2 * 2
        self.text = min(max(64, text), Self.largestText)
        self.feedback = max(1, feedback)
    }
}
