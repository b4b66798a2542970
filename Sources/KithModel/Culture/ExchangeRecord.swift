// SPDX-License-Identifier: Apache-2.0

/// One conversation with a peer and what came of it; holds nothing of what was said but the topic.
package struct ExchangeRecord: Hashable, Sendable {
    package enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// A new insight.
        case learned
        /// An insight that was known.
        case reinforced
        /// A new insight that waits for the owner.
        case quarantined
        /// Nothing that was worth keeping.
        case nothing
        /// The peer did not answer, or with what is no answer.
        case failed
        /// This node would not say what it was about to say.
        case refused
    }

    package var id: RequestID
    package var at: WallTime
    /// The name or the address of the peer.
    package var peer: String
    package var tier: Tier
    package var topic: String
    package var outcome: Outcome
    /// Why nothing came of it.
    package var note: String?
    package var insight: InsightID?
    package var duration: Duration
    /// Read and made by this node's mesh.
    package var tokens: Int

    package init(
        id: RequestID, at: WallTime, peer: String, tier: Tier, topic: String, outcome: Outcome, note: String? = nil,
        insight: InsightID? = nil, duration: Duration, tokens: Int
    ) {
        self.id = id
        self.at = at
        self.peer = peer
        self.tier = tier
        self.topic = topic
        self.outcome = outcome
        self.note = note
        self.insight = insight
        self.duration = duration
        self.tokens = tokens
    }
}

/// Something that was not said to a peer, for the owner to read.
package struct RefusalRecord: Hashable, Sendable {
    package var at: WallTime
    /// The name or the address of the peer.
    package var peer: String
    package var reason: SharingRefusal.Reason
    package var text: String

    package init(at: WallTime, peer: String, reason: SharingRefusal.Reason, text: String) {
        self.at = at
        self.peer = peer
        self.reason = reason
        self.text = text
    }
}
