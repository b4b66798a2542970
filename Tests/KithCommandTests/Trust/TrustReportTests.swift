// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("What commands say about trust")
struct TrustReportTests {
    private let id: NodeID
    private let peer: ControlMessage.Peer

    init() throws {
        id = try #require(NodeID(digest: (0..<32).map { UInt8($0) }))
        peer = ControlMessage.Peer(id: id, name: try #require(NodeName("laptop")), tier: .kin)
    }

    private func identity(isCloned: Bool = false, addresses: [String] = ["192.0.2.1:7443", "[2001:db8::1]:7443"])
        -> ControlMessage.Identity
    {
        ControlMessage.Identity(
            id: id, name: peer.name, fingerprint: "ab12", addresses: addresses.compactMap { PeerAddress($0) },
            isCloned: isCloned)
    }

    @Test("An identity is told with its id in groups")
    func whole() {
        #expect(
            IdentityReport(identity(), style: .plain).lines == [
                "id           \(id)", "name         laptop", "fingerprint  ab12",
                "addresses    192.0.2.1:7443, [2001:db8::1]:7443",
            ])
    }

    @Test("A cloned identity is told loudly, with the command that mends it")
    func cloned() {
        let line = IdentityReport(identity(isCloned: true), style: .coloured).lines.last
        #expect(line?.hasPrefix("\u{1B}[31mCLONED") == true)
        #expect(line?.contains("kith rekey --yes") == true)
    }

    @Test("A node without addresses says that none is open")
    func closed() {
        #expect(IdentityReport(identity(addresses: []), style: .plain).lines.last?.contains("not open") == true)
    }

    @Test("Beside a code stand what to do, how long it holds and what the tier means", arguments: Tier.allCases)
    func invitation(tier: Tier) throws {
        let notes = InvitationNotes(.init(code: "SECRET", tier: tier, expiresSeconds: 600)).lines
        try #require(notes.count == 3)
        #expect(notes[0].contains("kith join"))
        #expect(notes[1].contains("10 minutes"))
        #expect(notes[2].contains("\(tier.rawValue):"))
        #expect(notes.allSatisfy { $0.count <= 80 }, "a terminal breaks lines in the middle of a word")
        #expect(!notes.joined().contains("SECRET"))
    }

    @Test(
        "A code that no other machine can use is warned of",
        arguments: [
            (["127.0.0.1:7443", "[::1]:7443"], true), (["127.0.0.1:7443", "198.51.100.7:7443"], false), (nil, false),
        ] as [([String]?, Bool)])
    func stranded(addresses: [String]?, isWarnedOf: Bool) {
        let invitation = ControlMessage.Invitation(
            code: "SECRET", tier: .kin, expiresSeconds: 600, addresses: addresses?.compactMap { PeerAddress($0) })
        let notes = InvitationNotes(invitation).warnings(hasNetwork: true)
        #expect(notes.joined().contains("kith setup --yes --lan") == isWarnedOf)
        let unplugged = InvitationNotes(invitation).warnings(hasNetwork: false).joined()
        #expect(unplugged.contains("no network address") == isWarnedOf && !unplugged.contains("--lan"))
        #expect(notes.allSatisfy { $0.count <= 80 }, "a terminal breaks lines in the middle of a word")
    }

    @Test("What was changed is told with the peer and what it means")
    func sentences() {
        #expect(PeerSentence.joined(peer) == ["joined laptop  \(id)", "it is \(Tier.kin.meaning)"])
        #expect(PeerSentence.renamed(peer) == ["\(id.short) is called laptop here from now on"])
        #expect(PeerSentence.moved(peer).first?.contains("a machine of yours") == true)
        #expect(PeerSentence.forgotten(ControlMessage.Forgotten(peer: peer)).first == "forgot laptop  \(id)")
    }

    @Test(
        "Before a peer is forgotten it is told where it is refused: a machine of one's own everywhere, a friend's here")
    func forgetting() throws {
        let peer = try #require(PeerReference("laptop"))
        let (own, friends) = (
            PeerSentence.forgetting(peer, tier: .kin), PeerSentence.forgetting(peer, tier: .kith)
        )
        #expect(own.hasPrefix("laptop ") && own.contains("at once") && own.contains("all your other machines"))
        #expect(friends.contains("at once") && friends.contains("has to forget it itself"))
        #expect(!PeerSentence.forgetting(peer, tier: nil).contains("other machines"))
    }

    @Test("Nodes nearby are listed with the commands that pair each, and the problems apart")
    func nearby() {
        let report = NearbyReport(
            ControlMessage.Nearby(
                nodes: [
                    .init(
                        id: id.description, name: "desk\u{1B}[2J", version: "0.1.0",
                        addresses: [PeerAddress("192.0.2.7:7443")].compactMap(\.self), source: "mdns",
                        seenSecondsAgo: 3),
                    .init(id: nil, name: nil, version: nil, addresses: [], source: "file", seenSecondsAgo: .nan),
                ], problems: ["no mDNS daemon answers"]), width: nil, style: .plain)
        let whose = "--tier kin if it is yours and --tier kith if it is somebody else's"
        #expect(
            report.lines == [
                "NAME      ID       VERSION  ADDRESSES          SEEN  BY",
                "desk␛[2J  \(id.short)  0.1.0    192.0.2.7:7443  3 s ago  mdns",
                "-         -        -                          ? ago  file", "",
                "to pair desk␛[2J: kith invite there, \(whose); then kith join here",
                "to pair the other machine: kith invite there, \(whose); then kith join here",
            ])
        #expect(report.problems == ["discovery: no mDNS daemon answers"])
    }

    @Test("Where nobody is near, that is said")
    func alone() {
        let report = NearbyReport(.init(nodes: [], problems: []), width: 80, style: .plain)
        #expect(
            report.lines == ["no unpaired node was seen nearby; on both machines kith setup --yes --lan opens the node"]
        )
    }

    @Test(
        "A peer is named by name or id, and by nothing that needs escapes",
        arguments: [
            ("laptop", "laptop"), (" ABCDEFG HIJKLMN ", "ABCDEFGHIJKLMN"), ("a.b_c-D", "a.b_c-D"), ("", nil),
            ("a/b", nil), ("a%2F", nil), ("bü", nil), ("..?", nil), (String(repeating: "a", count: 65), nil),
        ] as [(String, String?)])
    func reference(text: String, value: String?) { #expect(PeerReference(text)?.rawValue == value) }

    @Test("An id in its written form names a peer") func reference() {
        #expect(PeerReference(id.description)?.rawValue == id.description)
    }
}
