// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithMembership
import KithModel
import KithStore
import KithTrust

/// Which peers to look at, and as whom.
struct PeerPlan: Sendable {
    let node: CollectedEvidence
    let clock: any TimeSource

    var diagnoses: [any Diagnosis] {
        let tls = channel
        let known = peers
        let names = Dictionary(
            known.compactMap { peer in peer.id.map { ($0, peer.name) } }, uniquingKeysWith: { first, _ in first })
        let ownID = node.ownID
        guard !(known + suggested).isEmpty else {
            let none =
                node.holdsNode
                ? "none; kith setup --yes --lan here prints a code, and kith setup --join there takes it" : "none yet"
            return [KnownFindings(.connect, "peers", [Finding(.connect, "peers", .skipped, none)])]
        }
        return (known + suggested).prefix(NodePlan.peerLimit).map {
            PeerDiagnosis(peer: $0, ownID: ownID, tls: tls, names: names, clock: clock)
        }
    }

    /// Whether a peer is said to be at an address outside this machine.
    var hasDistantPeers: Bool {
        peers.contains { peer in peer.addresses.contains { !$0.isLoopback } }
    }

    var hasKin: Bool { peers.contains { $0.tier == .kin } }

    private var peers: [KnownPeer] {
        if let status = node.status { return status.peers.compactMap { KnownPeer($0) } }
        return stored
    }

    /// The peers in the database: kin by the signed statements, kith by what is remembered.
    private var stored: [KnownPeer] {
        guard let store = try? node.store?.get(), let ownID = node.ownID ?? store.identity else { return [] }
        var log = TrustLog(root: ownID)
        _ = log.insert(store.operations)
        let records = Dictionary(store.peers.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let kin = log.resolution.kin.map { id, member in
            var record = records[id] ?? PeerRecord(id: id, tier: .kin)
            record.tier = .kin
            record.name = record.name ?? member.introduction.name
            record.addresses += member.introduction.addresses.filter { !record.addresses.contains($0) }
            return record
        }
        let kith = store.peers.filter { $0.tier == .kith && log.resolution.kin[$0.id] == nil }
        return (kin + kith).sorted { $0.id < $1.id }.map { KnownPeer($0) }
    }

    /// Addresses of peer ports in the list of peers that belong to no known peer.
    private var suggested: [KnownPeer] {
        let known = Set(peers.flatMap(\.addresses))
        return node.peersFile.suggestions.filter { !known.contains($0.address) }.map { suggestion in
            KnownPeer(
                name: suggestion.address.description, id: suggestion.id, tier: nil, addresses: [suggestion.address])
        }
    }

    private var channel: Result<PeerTLS, PeerDiagnosis.Obstacle> {
        switch node.identity {
        case .success(let identity)?:
            do {
                return .success(try PeerTLS(identity: identity))
            } catch {
                return .failure(PeerDiagnosis.Obstacle(reason: "this node's certificate cannot be used: \(error)"))
            }
        case .failure?:
            return .failure(PeerDiagnosis.Obstacle(reason: "needs this node's identity, which cannot be read"))
        case nil:
            return .failure(
                PeerDiagnosis.Obstacle(reason: "needs this node's identity, which is made at the first start"))
        }
    }
}

/// A node that this one is paired with, or has heard of, as far as it is known before anything is tried.
struct KnownPeer: Hashable, Sendable {
    /// What the running node says of it.
    struct Standing: Hashable, Sendable {
        /// As in `NodeStatus.Peer.state`.
        var state: String
        var reason: String?
        var versions: String?
        var lastSeen: Duration?
    }

    /// Most addresses that are looked at.
    static let addressLimit = 8

    var name: String
    /// `nil` for an address in a list of peers that names no node id.
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
        self.init(
            name: peer.name, id: id, tier: Tier(rawValue: peer.tier),
            addresses: Self.leading((peer.addresses + [peer.address]).compactMap { PeerAddress($0) }),
            standing: Standing(
                state: peer.state, reason: peer.reason, versions: peer.versions,
                lastSeen: peer.lastSeenSeconds.flatMap { (0..<1e9).contains($0) ? .seconds($0) : nil }))
    }

    init(_ record: PeerRecord) {
        self.init(
            name: (record.nickname ?? record.name)?.rawValue ?? record.id.short, id: record.id, tier: record.tier,
            addresses: Self.leading(record.addresses))
    }

    /// Those that may lead to it from here, each once: what a machine tells of itself while it has no network leads to this one,
    /// and an address of the link alone says nothing without the interface.
    private static func leading(_ addresses: [PeerAddress]) -> [PeerAddress] {
        let usable = addresses.filter { address in
            guard let plain = IPAddress(address.host) else { return true }
            return !plain.isLoopback && !(plain.isIPv6 && plain.isLinkLocal && plain.zone == nil)
        }
        var seen: Set<PeerAddress> = []
        return (usable.isEmpty ? addresses : usable).filter { seen.insert($0).inserted }
    }

    /// Whether it tells no address but those of its own machine: its node is not open to others.
    var isClosed: Bool { !addresses.isEmpty && addresses.allSatisfy(\.isLoopback) }
}
