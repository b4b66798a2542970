// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// A node that this one is paired with, or was told of, as far as it is known before anything is tried.
struct KnownPeer: Hashable, Sendable {
    /// What the running node says of it.
    struct Standing: Hashable, Sendable {
        /// As in ``NodeStatus/Peer/state``.
        var state: String
        var reason: String?
        var versions: String?
        var lastSeen: Duration?
    }

    /// Addresses looked at, at most.
    static let addressLimit = 8

    var name: String
    /// `nil` for an address in a list of peers of which nobody says who is there.
    var id: NodeID?
    /// `nil` for one that is not paired.
    var tier: Tier?
    var addresses: [PeerAddress]
    var standing: Standing?

    init(
        name: String, id: NodeID?, tier: Tier?, addresses: [PeerAddress], standing: Standing? = nil
    ) {
        self.name = name
        self.id = id
        self.tier = tier
        self.addresses = addresses
        self.standing = standing
    }

    /// - Returns: `nil` for a plain service, which has no id.
    init?(_ peer: NodeStatus.Peer) {
        guard let id = peer.id.flatMap({ NodeID($0) }) else { return nil }
        let known = (peer.addresses + [peer.address]).compactMap { PeerAddress($0) }
        var seen: Set<PeerAddress> = []
        self.init(
            name: peer.name, id: id, tier: Tier(rawValue: peer.tier),
            addresses: known.filter { seen.insert($0).inserted },
            standing: Standing(
                state: peer.state, reason: peer.reason, versions: peer.versions,
                lastSeen: peer.lastSeenSeconds.flatMap { (0..<1e9).contains($0) ? .seconds($0) : nil }))
    }

    init(_ record: PeerRecord) {
        self.init(
            name: (record.nickname ?? record.name)?.rawValue ?? record.id.short, id: record.id, tier: record.tier,
            addresses: record.addresses)
    }
}
