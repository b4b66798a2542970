// SPDX-License-Identifier: Apache-2.0

/// What a node remembers of a peer it has been paired with, or has been introduced to.
package struct PeerRecord: Hashable, Sendable {
    package var id: NodeID
    package var tier: Tier
    /// What the peer calls itself.
    package var name: NodeName?
    /// What this node's owner calls it; goes before its own name.
    package var nickname: NodeName?
    /// Where it answered last, or is said to answer; the most recent success first.
    package var addresses: [PeerAddress]
    package var lastSeen: WallTime?

    package init(
        id: NodeID, tier: Tier, name: NodeName? = nil, nickname: NodeName? = nil, addresses: [PeerAddress] = [],
        lastSeen: WallTime? = nil
    ) {
        self.id = id
        self.tier = tier
        self.name = name
        self.nickname = nickname
        self.addresses = addresses
        self.lastSeen = lastSeen
    }
}
