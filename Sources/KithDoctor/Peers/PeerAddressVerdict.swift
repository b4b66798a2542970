// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithPeers

/// What was seen at one address of a peer, and what it means.
struct PeerAddressVerdict: Sendable {
    var peer: KnownPeer
    var address: PeerAddress
    var reach: Reach
    /// `nil` where no connection stood, or this node's identity could not be read.
    var channel: PeerChannelTrial?
    /// Why there was no handshake although a connection stood.
    var channelObstacle: String?
    var ownID: NodeID?
    /// Names of the nodes that are known, by id.
    var names: [NodeID: String]

    /// How far it got: the address at which most was reached tells most.
    var progress: Int { findings.filter { $0.severity == .ok }.count }

    /// Whether the peer is there, as far as could be looked.
    var isSound: Bool {
        switch channel {
        case .answered?: !findings.contains(where: \.isFault)
        case .otherNode(let seen)?: peer.id == nil && seen != ownID
        case nil: reach.isOpen
        default: false
        }
    }

    var findings: [Finding] {
        let steps = ReachVerdict(
            reach: reach, who: peer.name, severity: .warning,
            startIt: startIt
        ).findings(of: peer.name)
        let found = reach.isOpen ? steps + (channelFindings ?? []) : steps
        return found.map { $0.about(peer.name, at: address.description) }
    }

    private var startIt: Finding.Fix {
        InterfaceFindings.isLoopback(address.host)
            ? Finding.Fix("start the node \(peer.name)", command: "kith up")
            : Finding.Fix(
                "start the node on the machine of \(peer.name), and let it listen on the network",
                command: "kith up --lan")
    }

    private var channelFindings: [Finding]? {
        switch channel {
        case .answered(let refusal, let sighting)?:
            [secured(sighting.took), trusted(refusal)] + clock(sighting)
        case .otherNode(let seen)?: [otherNode(seen)]
        case .badCertificate(let reason)?:
            [foreign("what answers at \(address) shows \(reason): it is not a kith node's peer port")]
        case .notTLS(let reason)?:
            [foreign("another program answers at \(address) (\(reason)): it is not a kith node's peer port")]
        case .closed?:
            [
                foreign(
                    "\(address) takes the connection and ends it at once: it is not a kith node's peer port, or too "
                        + "busy"
                )
            ]
        case .timedOut?:
            [
                Finding(
                    .tls, "tls", .warning, "\(address) takes connections and then says nothing: the node there hangs",
                    fix: Finding.Fix("start the node of \(peer.name) anew"))
            ]
        case .failed(let why)?: [foreign("\(address) does not answer as a node does: \(why)")]
        case nil: channelObstacle.map { [Finding(.tls, "tls", .skipped, $0)] }
        }
    }

    private func secured(_ took: Duration) -> Finding {
        Finding(.peerIdentity, "identity", .ok, "the certificate is that of \(peer.name)", took: took)
    }

    private func clock(_ sighting: HTTPSighting) -> [Finding] {
        ClockOffset(sighting).map { [$0.finding(of: peer.name, subject: peer.name)] } ?? []
    }

    private func foreign(_ seen: String) -> Finding {
        Finding(
            .tls, "tls", .warning, seen,
            fix: Finding.Fix(
                "see on the machine of \(peer.name) which port its node has for peers, and let the node have it alone",
                command: "kith id"))
    }

    private func otherNode(_ seen: NodeID) -> Finding {
        if seen == ownID {
            return Finding(
                .peerIdentity, "identity", .notice,
                "\(address) leads back to this very node: both machines have an address like it, as for containers")
        }
        guard peer.id != nil else {
            let known = names[seen]
            return Finding(
                .peerIdentity, "identity", known == nil ? .notice : .ok,
                known.map { "\($0) answers" } ?? "node \(seen.short) answers, with which this one is not paired")
        }
        let who = names[seen].map { "\($0) (\(seen.short))" } ?? "node \(seen.short)"
        return Finding(
            .peerIdentity, "identity", .error,
            "another node answers at \(address): \(who) in place of \(peer.name) (\(peer.id?.short ?? "?"))",
            fix: Finding.Fix(
                "the address has changed hands: start \(peer.name), which then tells its new address by mDNS or "
                    + "through other "
                    + "kin; if it was given a new identity, kith forget \(peer.name) here and pair it again",
                command: "kith peers"))
    }

    private func trusted(_ refusal: PeerRefusal?) -> Finding {
        guard let refusal else {
            return peer.tier == .kith
                ? Finding(
                    .trust, "trust", .notice, "\(peer.name) counts this node as kin, and this node has it as kith")
                : Finding(.trust, "trust", .ok, "\(peer.name) counts this node as kin")
        }
        switch refusal.refused {
        case .kinOnly where peer.tier != .kin:
            return Finding(.trust, "trust", .ok, "\(peer.name) counts this node as kith")
        case .kinOnly:
            return Finding(
                .trust, "trust", .warning, "\(peer.name) counts this node as kith only, and this node has it as kin",
                fix: Finding.Fix(
                    "run this on the machine of \(peer.name), with this node's name", command: "kith tier NAME kin"))
        case .forgotten, .stranger:
            let why = refusal.refused == .forgotten ? "has forgotten this node" : "does not know this node"
            return Finding(
                .trust, "trust", .error, "\(peer.name) answers, but \(why): it refuses everything",
                fix: Finding.Fix(
                    "pair both again: kith invite --tier \((peer.tier ?? .kin).rawValue) there, kith join here; or "
                        + "let it go with "
                        + "kith forget \(peer.name)",
                    command: "kith join"))
        case .incompatible:
            return Finding(
                .protocolVersion, "version", .error,
                "\(peer.name) speaks no version of the protocol that this node speaks",
                fix: Finding.Fix("update the older of both nodes", command: "kith --version"))
        case .sameIdentity:
            return Finding(
                .peerIdentity, "identity", .error, "\(peer.name) has this very node's identity: a copied data folder",
                fix: Finding.Fix("stop the copy, and run there", command: "kith rekey --yes"))
        }
    }
}
