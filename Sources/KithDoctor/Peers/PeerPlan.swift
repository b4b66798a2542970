// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithMembership
import KithModel
import KithStore
import KithTrust

/// Which peers to look at, and as whom.
struct PeerPlan: Sendable {
    let node: Anamnesis
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
                ? "none; kith invite --tier kin here and kith join there pair two machines" : "none yet"
            return [KnownFindings(.connect, "peers", [Finding(.connect, "peers", .skipped, none)])]
        }
        return (known + suggested).prefix(NodePlan.peerLimit).map {
            PeerDiagnosis(peer: $0, ownID: ownID, tls: tls, names: names, clock: clock)
        }
    }

    /// Whether a peer is said to be at an address outside this machine.
    var hasDistantPeers: Bool {
        peers.contains { peer in peer.addresses.contains { !InterfaceFindings.isLoopback($0.host) } }
    }

    private var peers: [KnownPeer] {
        if let status = node.status { return status.peers.compactMap { KnownPeer($0) } }
        return stored
    }

    /// Whom the database names: kin by the signed statements, kith by what is remembered.
    private var stored: [KnownPeer] {
        guard let store = try? node.store?.get(), let ownID = node.ownID ?? store.identity else { return [] }
        var ledger = TrustLedger(root: ownID)
        _ = ledger.insert(store.operations)
        let records = Dictionary(store.peers.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let kin = ledger.fold.kin.map { id, member in
            var record = records[id] ?? PeerRecord(id: id, tier: .kin)
            record.tier = .kin
            record.name = record.name ?? member.introduction.name
            record.addresses += member.introduction.addresses.filter { !record.addresses.contains($0) }
            return record
        }
        let kith = store.peers.filter { $0.tier == .kith && ledger.fold.kin[$0.id] == nil }
        return (kin + kith).sorted { $0.id < $1.id }.map { KnownPeer($0) }
    }

    /// Addresses of peer ports in the list of peers that no known peer has.
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
