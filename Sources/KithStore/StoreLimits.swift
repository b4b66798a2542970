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

    /// The most bytes of a database that is checked whole when it is opened.
    package static let checkedSize = 64 * 1_024 * 1_024
    /// The most addresses that are remembered of one peer.
    package static let addressesPerPeer = 16
    /// The most bytes of one signed statement about who is kin; the schema refuses more.
    package static let largestOperation = 65_536
    /// The most bytes of the registry's snapshot; the schema refuses more.
    package static let largestRegistrySnapshot = 4 * 1_024 * 1_024

    /// The most replicas whose logs are known. Beyond it, no more are taken: each began with a node that lost its database.
    package static let replicas = 8_192

    /// Beyond it, the least recently used session is dropped with its turns and feedback.
    package let sessions: Int
    /// Beyond it, the session's oldest turns are dropped, an exchange at a time.
    package let turnsPerSession: Int
    /// Bytes of UTF-8 of a turn or comment. Longer text is cut at a character boundary and marked.
    package let text: Int
    /// Beyond it, the oldest feedback is dropped.
    package let feedback: Int
    /// Beyond it, the oldest lines of the audit trail are dropped.
    package let audit: Int
    /// Beyond it, no more are taken: to drop one would be to forget whom this node trusts.
    package let trustOperations: Int
    /// Beyond it, no more are taken.
    package let peers: Int
    /// Deliveries that are known to have been counted. Beyond it, the oldest are forgotten.
    package let deliveries: Int
    /// Beyond it, the oldest exchanges are forgotten.
    package let exchanges: Int
    /// Peers that were talked to. Beyond it, those that were talked to longest ago are forgotten.
    package let companions: Int
    /// What was not said. Beyond it, the oldest is forgotten.
    package let refusals: Int
    /// Keys that have not been revoked. Beyond it, no more are taken; of the revoked as many of the latest are kept.
    package let clientKeys: Int

    package static let standard = StoreLimits()

    /// Limits out of range are held to it: at least one session, one exchange (two turns), 64 bytes, and one of
    /// everything else.
    package init(
        sessions: Int = 1_000, turnsPerSession: Int = 2_000, text: Int = StoreLimits.largestText,
        feedback: Int = 10_000, audit: Int = 10_000, trustOperations: Int = 65_536, peers: Int = 4_096,
        clientKeys: Int = 500, deliveries: Int = 10_000, exchanges: Int = 10_000, companions: Int = 1_000,
        refusals: Int = 1_000
    ) {
        self.sessions = max(1, sessions)
        self.turnsPerSession = max(2, turnsPerSession) / 2 * 2
        self.text = min(max(64, text), Self.largestText)
        self.feedback = max(1, feedback)
        self.audit = max(1, audit)
        self.trustOperations = max(1, trustOperations)
        self.peers = max(1, peers)
        self.clientKeys = max(1, clientKeys)
        self.deliveries = max(1, deliveries)
        self.exchanges = max(1, exchanges)
        self.companions = max(1, companions)
        self.refusals = max(1, refusals)
    }
}
