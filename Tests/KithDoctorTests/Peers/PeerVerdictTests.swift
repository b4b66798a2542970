// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithPeers
import Testing
@testable import KithDoctor

@Suite("What was seen at a peer's addresses")
struct PeerVerdictTests {
    private static func id(_ number: UInt8) -> NodeID? { NodeID(digest: [UInt8](repeating: number, count: 32)) }

    private func look(
        _ channel: PeerChannelTrial?, connection: ConnectionTrial = .open(.zero), tier: Tier? = .kin,
        host: String = "192.168.7.2", id: NodeID? = Self.id(1)
    ) throws -> PeerAddressVerdict {
        let address = try #require(PeerAddress(host: host, port: 7443))
        let numeric = try #require(IPAddress(host))
        return PeerAddressVerdict(
            peer: KnownPeer(name: "laptop", id: id, tier: tier, addresses: [address]), address: address,
            reach: Reach(
                host: host, port: 7443, lookup: .found([numeric], .zero), address: numeric, ping: .silent,
                connection: connection),
            channel: channel, ownID: Self.id(9), names: [:])
    }

    private func answered(_ reason: PeerRefusal.Reason?) -> PeerChannelTrial {
        .answered(refusal: reason.map { PeerRefusal($0) }, HTTPSighting(status: 200, body: []))
    }

    private func firstFault(of verdict: PeerAddressVerdict) -> Finding? { verdict.findings.first(where: \.isFault) }

    @Test("A kin that answers is sound")
    func sound() throws {
        let verdict = try look(answered(nil))
        #expect(verdict.isSound)
        #expect(verdict.findings.map(\.check) == [.ping, .connect, .peerIdentity, .trust])
    }

    @Test(
        "A refusal is told by its reason, with what mends it",
        arguments: [
            (PeerRefusal.Reason.forgotten, CheckID.trust, Finding.Severity.error, "kith join"),
            (.stranger, .trust, .error, "kith join"), (.kinOnly, .trust, .warning, "kith tier NAME kin"),
            (.incompatible, .protocolVersion, .error, "kith --version"),
            (.sameIdentity, .peerIdentity, .error, "kith rekey --yes"),
        ])
    func refusals(_ reason: PeerRefusal.Reason, _ check: CheckID, _ severity: Finding.Severity, _ command: String)
        throws
    {
        let verdict = try look(answered(reason))
        let fault = try #require(firstFault(of: verdict))
        #expect(fault.check == check)
        #expect(fault.severity == severity)
        #expect(fault.fix?.command == command)
        #expect(!verdict.isSound)
    }

    @Test("A kith that answers only kin is as it should be")
    func kith() throws {
        #expect(try look(answered(.kinOnly), tier: .kith).isSound)
    }

    @Test("Another node's certificate is an error")
    func otherNode() throws {
        let seen = try #require(Self.id(2))
        let fault = try #require(firstFault(of: try look(.otherNode(seen))))
        #expect(fault.check == .peerIdentity)
        #expect(fault.seen.contains("another node answers at 192.168.7.2:7443: node \(seen.short) in place of laptop"))
    }

    @Test("This node's own certificate, as containers' addresses lead to it, is no fault, and no peer either")
    func own() throws {
        let own = try #require(Self.id(9))
        let verdict = try look(.otherNode(own))
        #expect(firstFault(of: verdict) == nil)
        #expect(!verdict.isSound)
    }

    private func summary(
        _ verdicts: [PeerAddressVerdict], standing: KnownPeer.Standing? = nil
    ) -> [Finding] {
        PeerSummary(
            peer: KnownPeer(name: "laptop", id: Self.id(1), tier: .kin, addresses: [], standing: standing),
            verdicts: verdicts
        ).findings
    }

    @Test("One address that works is enough")
    func oneWorks() throws {
        let found = summary([
            try look(nil, connection: .timedOut(.seconds(2)), host: "172.17.0.1"), try look(answered(nil)),
        ])
        #expect(!found.contains { $0.isFault })
        #expect(found.contains { $0.severity == .notice && $0.seen.hasSuffix("another of its addresses works") })
    }

    @Test("Where none works, the address at which most was reached gives the cause")
    func noneWorks() throws {
        let found = summary([
            try look(nil, connection: .timedOut(.seconds(2)), host: "10.0.0.1"), try look(answered(.forgotten)),
            try look(nil, connection: .refused(.zero), host: "10.0.0.2"),
        ])
        #expect(found.filter(\.isFault).map(\.check) == [.trust])
    }

    @Test("Where all addresses lead back to this node, the peer is nowhere")
    func nowhere() throws {
        let own = try #require(Self.id(9))
        let found = summary([try look(.otherNode(own))])
        #expect(found.filter(\.isFault).map(\.seen) == ["no known address of laptop leads to it"])
        #expect(summary([]).filter(\.isFault).map(\.seen) == ["no address of laptop is known"])
    }

    @Test(
        "What the mesh says of it is told beside the direct way",
        arguments: [
            ("up", Finding.Severity.ok), ("left", .notice), ("down", .notice), ("incompatible", .error),
            ("cloned", .error),
        ])
    func standing(_ state: String, _ severity: Finding.Severity) throws {
        let found = summary(
            [try look(answered(nil))], standing: KnownPeer.Standing(state: state, lastSeen: .seconds(3)))
        #expect(found.last?.severity == severity)
    }
}
