// SPDX-License-Identifier: Apache-2.0

/// How far another node is trusted.
package enum Tier: String, Sendable, Codable, CaseIterable {
    /// Another device of the same owner: may receive prompts, context, sessions and code.
    case kin
    /// Someone else's node: may only exchange abstract topics.
    case kith
}

/// What a node remembers of a peer it has been paired with, or has been introduced to.
package struct PeerRecord: Hashable, Sendable {
    package var id: NodeID
    package var tier: Tier
    /// What the peer calls itself.
    package var name: NodeName?
    /// What this node's owner calls it; takes precedence over its own name.
    package var nickname: NodeName?
    /// Where it answered last, or is said to answer; the most recent success first.
    package var addresses: [PeerAddress]
    package var lastSeen: WallTime?
    /// How it is woken; of kin only.
    package var wake: WakeNotes

    package init(
        id: NodeID, tier: Tier, name: NodeName? = nil, nickname: NodeName? = nil, addresses: [PeerAddress] = [],
        lastSeen: WallTime? = nil, wake: WakeNotes = WakeNotes()
    ) {
        self.id = id
        self.tier = tier
        self.name = name
        self.nickname = nickname
        self.addresses = addresses
        self.lastSeen = lastSeen
        self.wake = wake
    }
}

/// One signed statement about who is kin, as it is stored and passed on: opaque to all but the trust library.
package struct SignedOperation: Hashable, Sendable {
    package var author: NodeID
    /// Counted by the author from 1.
    package var sequence: UInt64
    /// The statement, its signature and the author's public key.
    package var bytes: [UInt8]

    package init(author: NodeID, sequence: UInt64, bytes: [UInt8]) {
        self.author = author
        self.sequence = sequence
        self.bytes = bytes
    }
}
