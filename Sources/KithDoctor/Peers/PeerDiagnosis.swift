// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithPeers
import KithTrust

/// One peer by each of its addresses, and by what the mesh says of it.
struct PeerDiagnosis: Diagnosis {
    let check = CheckID.connect
    var title: String { peer.name }
    var subject: String? { peer.name }
    let limit = Duration.seconds(8)

    let peer: KnownPeer
    let ownID: NodeID?
    /// `nil` when this node's identity cannot be read, with the reason.
    let tls: Result<PeerTLS, Obstacle>
    let names: [NodeID: String]
    let clock: any TimeSource

    struct Obstacle: Error, Hashable { var reason: String }

    func run() async -> [Finding] {
        let addresses = peer.addresses.prefix(KnownPeer.addressLimit)
        let verdicts = await withTaskGroup(of: (Int, PeerAddressVerdict).self) { group in
            for (place, address) in addresses.enumerated() { group.addTask { (place, await look(at: address)) } }
            var found: [(Int, PeerAddressVerdict)] = []
            for await verdict in group { found.append(verdict) }
            return found.sorted { $0.0 < $1.0 }.map(\.1)
        }
        return PeerSummary(peer: peer, verdicts: verdicts).findings
    }

    private func look(at address: PeerAddress) async -> PeerAddressVerdict {
        var verdict = PeerAddressVerdict(
            peer: peer, address: address, reach: await Reach.run(address.host, port: address.port, clock: clock),
            ownID: ownID, names: names)
        guard verdict.reach.isOpen else { return verdict }
        switch tls {
        case .failure(let obstacle): verdict.channelObstacle = obstacle.reason
        case .success(let tls):
            // When no id is expected, any id but the right one makes the other side show its own.
            guard let expected = peer.id ?? ownID else {
                verdict.channelObstacle = "nobody says which node should be there"
                break
            }
            verdict.channel = await PeerChannelTrial.run(expected, at: address, tls: tls, clock: clock)
        }
        return verdict
    }
}

/// The result for all addresses of a peer: one that works is enough.
struct PeerSummary: Sendable {
    var peer: KnownPeer
    var verdicts: [PeerAddressVerdict]

    var findings: [Finding] {
        guard !verdicts.isEmpty else { return [noAddress] + meshFindings(isReached: false).map { $0.about(peer.name) } }
        let isReached = verdicts.contains(where: \.isSound)
        let telling = verdicts.enumerated().max { left, right in
            (rank(left.element), -left.offset) < (rank(right.element), -right.offset)
        }?.offset
        let steps = verdicts.enumerated().flatMap { place, verdict in
            isReached && !verdict.isSound || place != telling && !verdict.isSound
                ? verdict.findings.map { demoted($0, because: isReached) } : verdict.findings
        }
        let nowhere = isReached || steps.contains(where: \.isFault) ? [] : [leadsNowhere]
        return steps + nowhere + meshFindings(isReached: isReached).map { $0.about(peer.name) }
    }

    private var leadsNowhere: Finding {
        if peer.isClosed {
            return Finding(
                .connect, "address", .warning,
                "\(peer.name) tells no address but those of its own machine: it is not open to others",
                fix: Finding.Fix("type on the machine of \(peer.name): kith setup --yes --lan"), of: peer.name)
        }
        return Finding(
            .connect, "address", .warning, "no known address of \(peer.name) leads to it",
            fix: Finding.Fix(
                "run this on both machines, so that each learns the other's addresses anew",
                command: StartCommand.bySetup.command("--lan")),
            of: peer.name)
    }

    /// Ranks errors first, then how far the trial got.
    private func rank(_ verdict: PeerAddressVerdict) -> Int {
        (verdict.findings.contains { $0.severity == .error } ? 100 : 0) + verdict.progress
    }

    private func demoted(_ finding: Finding, because isReached: Bool) -> Finding {
        guard finding.isFault else { return finding }
        var demoted = finding
        demoted.severity = .notice
        demoted.fix = nil
        demoted.seen += isReached ? "; another of its addresses works" : ""
        return demoted
    }

    /// A node that has seen both says so for three minutes, since no packet can tell it that one of them is gone.
    static let stopTheCopy = Finding.Fix(
        "stop the copy, which is told of for three minutes more, and run there", command: "kith rekey --yes")

    private var noAddress: Finding {
        Finding(
            .connect, "address", .warning, "no address of \(peer.name) is known",
            fix: Finding.Fix(
                "run this on both machines so that they find each other, or write kith://ADDRESS into config/peers.txt",
                command: StartCommand.bySetup.command("--lan")),
            of: peer.name)
    }

    private func meshFindings(isReached: Bool) -> [Finding] {
        guard let standing = peer.standing else { return [] }
        let ago = standing.lastSeen.map { ", heard \($0.shortText) ago" } ?? ""
        let why = standing.reason.map { ": \($0)" } ?? ""
        switch standing.state {
        case "up":
            let path = isReached ? "" : "; it is reached some other way, such as through another kin"
            return [Finding(.mesh, "gossip", .ok, "it is there\(ago)\(path)")]
        case "incompatible":
            return [
                Finding(
                    .protocolVersion, "version", .error,
                    "its protocol version differs: " + (standing.versions ?? "no version is common to both"),
                    fix: Finding.Fix("update the older of both nodes", command: "kith --version"))
            ]
        case "cloned":
            return [
                Finding(
                    .peerIdentity, "identity", .error, "two running nodes have the identity of \(peer.name)",
                    fix: Self.stopTheCopy)
            ]
        case "asleep":
            return [
                Finding(.mesh, "gossip", .notice, "it sleeps\(why)\(ago); kith wake \(peer.name) wakes it")
            ]
        case "left":
            return [
                Finding(.mesh, "gossip", .notice, "it said goodbye: it was stopped, or put to sleep\(ago)")
            ]
        default:
            return [Finding(.mesh, "gossip", .notice, "your machines find it \(standing.state)\(why)\(ago)")]
        }
    }
}

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

    /// How far the trial got: the address at which it got furthest says most.
    var progress: Int { findings.filter { $0.severity == .ok }.count }

    /// Whether the peer is there, as far as this could be tried.
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
        address.isLoopback
            ? Finding.Fix(
                "start the node \(peer.name); if it is on another machine, type there: kith setup --yes --lan",
                command: "kith up")
            : Finding.Fix(
                "start the node on the machine of \(peer.name), by typing there: kith setup --yes --lan")
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
                "\(address) leads back to this very node: "
                    + (address.isLoopback
                        ? "\(peer.name) tells how it is reached from its own machine"
                        : "both machines have an address like it, as for containers"))
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
                "if \(peer.name) was set up anew, or is gone for good, type here: kith forget \(peer.name), and pair what is "
                    + "there now; else another machine has its address, and \(peer.name) tells its new one once it is "
                    + "started"))
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
                fix: PeerSummary.stopTheCopy)
        }
    }
}
