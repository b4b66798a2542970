// SPDX-License-Identifier: Apache-2.0

import KithModel
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
            // Where nobody says who should be there, any id but the right one makes the other side show its own.
            guard let expected = peer.id ?? ownID else {
                verdict.channelObstacle = "nobody says which node should be there"
                break
            }
            verdict.channel = await PeerChannelTrial.run(expected, at: address, tls: tls, clock: clock)
        }
        return verdict
    }
}

/// What the addresses come to: one that works is enough.
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
        Finding(
            .connect, "address", .warning, "no known address of \(peer.name) leads to it",
            fix: Finding.Fix("start both nodes with --lan, so that each learns the other's addresses anew"),
            of: peer.name)
    }

    /// What says most: how bad it is, then how far it got.
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

    private var noAddress: Finding {
        Finding(
            .connect, "address", .warning, "no address of \(peer.name) is known",
            fix: Finding.Fix(
                "start both nodes with --lan so that they find each other, or write kith://ADDRESS into "
                    + "config/peers.txt"
            ),
            of: peer.name)
    }

    private func meshFindings(isReached: Bool) -> [Finding] {
        guard let standing = peer.standing else { return [] }
        let ago = standing.lastSeen.map { ", heard \($0.shortText) ago" } ?? ""
        let why = standing.reason.map { ": \($0)" } ?? ""
        switch standing.state {
        case "up":
            let path = isReached ? "" : "; it is reached some other way, such as through another kin"
            return [Finding(.mesh, "gossip", .ok, "the mesh has it as up\(ago)\(path)")]
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
                    fix: Finding.Fix("stop the copy, and run there", command: "kith rekey --yes"))
            ]
        case "left":
            return [
                Finding(.mesh, "gossip", .notice, "it said goodbye: it was stopped, or put to sleep\(ago)")
            ]
        default:
            return [Finding(.mesh, "gossip", .notice, "the mesh has it as \(standing.state)\(why)\(ago)")]
        }
    }
}
