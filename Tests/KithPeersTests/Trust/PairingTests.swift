// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithDialects
import KithInference
import KithMembership
import KithModel
import KithPeers
import KithSurfaceTesting
import KithTesting
import Testing
@testable import KithTrust

@Suite("Pairing over the wire", .timeLimit(.minutes(3)))
struct PairingTests {
    private func code(from node: TestNode, as tier: Tier = .kin) async throws -> String {
        try await node.mesh.invite(ControlMessage.InvitationRequest(tier: tier)).code
    }

    @discardableResult
    private func join(_ node: TestNode, _ code: String) async throws -> ControlMessage.Peer {
        try await node.mesh.join(ControlMessage.JoinRequest(code: code))
    }

    private func refusal(_ node: TestNode, _ code: String) async -> ControlError.Code? {
        do {
            try await join(node, code)
            return nil
        } catch {
            return (error as? ControlError)?.code
        }
    }

    // MARK: Codes

    @Test("Whoever brings the code is trusted, and trusts, as the code says", arguments: Tier.allCases)
    func pairs(tier: Tier) async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: nil) { laptop in
                let peer = try await join(laptop, try await code(from: desk, as: tier))
                #expect(peer.id == desk.id)
                #expect(peer.name.rawValue == "desk")
                #expect(peer.tier == tier)
                let standing: PeerRelation = tier == .kin ? .kin : .kith
                #expect(desk.mesh.trust.standing(of: laptop.id) == standing)
                #expect(laptop.mesh.trust.standing(of: desk.id) == standing)
                #expect(desk.audit.count(.invitationCreated) == 1)
                #expect(desk.audit.count(.pairingAccepted) == 1)
                #expect(laptop.audit.count(.pairingAccepted) == 1)
                #expect(desk.refusals.isEmpty)
                if tier == .kin { try await laptop.awaitKin(1) }
            }
        }
    }

    @Test("A code that the node never gave, or that was used, is refused and is one line")
    func refused() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            try await TestNode.run("laptop", engine: nil) { laptop in
                var foreign = InvitationStore(inviter: desk.id)
                var generator = SeededGenerator(seed: 1)
                let never = try foreign.invite(
                    tier: .kin, addresses: [desk.peerAddress], now: .zero, using: &generator
                ).get()
                #expect(await refusal(laptop, never.text) == .refusedCode)
                #expect(desk.refusals.map(\.kind) == [.pairingRefused])
                #expect(desk.refusals.last?.reason == PairingRefusal.unknownInvitation.rawValue)

                let code = try await code(from: desk)
                try await join(laptop, code)
                #expect(await refusal(laptop, code) == .refusedCode)
                #expect(desk.refusals.map(\.kind) == [.pairingRefused, .pairingRefused])
                #expect(desk.refusals.last?.reason == PairingRefusal.alreadyUsed.rawValue)
            }
        }
    }

    @Test("A code that has expired is refused")
    func expired() async throws {
        let clock = ManualClock()
        try await TestNode.run("desk", engine: nil, clock: clock) { desk in
            try await TestNode.run("laptop", engine: nil) { laptop in
                let code = try await code(from: desk)
                clock.advance(by: .seconds(600))
                #expect(await refusal(laptop, code) == .expiredCode)
                #expect(desk.refusals.map(\.reason) == [PairingRefusal.expired.rawValue])
                #expect(desk.mesh.trust.standing(of: laptop.id) == .stranger)
            }
        }
    }

    @Test("A code with another character, or none at all, is not tried")
    func tampered() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            try await TestNode.run("laptop", engine: nil) { laptop in
                let code = try await code(from: desk)
                for place in [0, 9, code.count - 1] {
                    var characters = Array(code)
                    characters[place] = characters[place] == "A" ? "B" : "A"
                    #expect(await refusal(laptop, String(characters)) == .malformedCode)
                }
                #expect(await refusal(laptop, "") == .malformedCode)
                #expect(await refusal(laptop, code + "é") == .malformedCode)
                #expect(await refusal(desk, code) == .invalid)
                #expect(desk.refusals.isEmpty)
                #expect(await refusal(laptop, code) == nil)
            }
        }
    }

    @Test("Another node at the code's address is named, and not trusted")
    func otherNode() async throws {
        let inviter = try NodeIdentity.temporary()
        try await TestNode.run("middle", engine: nil) { middle in
            try await TestNode.run("laptop", engine: nil) { laptop in
                var book = InvitationStore(inviter: inviter.id)
                var generator = SeededGenerator(seed: 2)
                let code = try book.invite(
                    tier: .kin, addresses: [middle.peerAddress], now: .zero, using: &generator
                ).get()
                #expect(await refusal(laptop, code.text) == .wrongNode)
                #expect(laptop.refusals.map(\.kind) == [.pairingRefused])
                #expect(laptop.refusals.first?.subject == middle.id.description)
                for id in [inviter.id, middle.id] { #expect(laptop.mesh.trust.standing(of: id) == .stranger) }
            }
        }
    }

    // MARK: Words

    /// A source that always says the same.
    private struct Fixed: Discovery {
        let source = DiscoverySource.file
        var addresses: [PeerAddress]

        func run(_ tell: @escaping @Sendable (DiscoveryReport) -> Void) async {
            tell(DiscoveryReport(suggestions: addresses.map { Suggestion(address: $0) }))
            let (never, _) = AsyncStream.makeStream(of: Never.self)
            for await _ in never {}
        }
    }

    /// Runs `body` while `node` sees others at `addresses`.
    private func seeing(
        _ addresses: [PeerAddress], _ node: TestNode, _ body: () async throws -> Void
    ) async throws {
        let watch = Task { await node.mesh.discover([Fixed(addresses: addresses)]) }
        defer { watch.cancel() }
        while node.mesh.nearby().nodes.isEmpty { await Task.yield() }
        try await body()
    }

    @Test("Six words find the node that knows them among those that are seen", arguments: Tier.allCases)
    func words(tier: Tier) async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            try await TestNode.run("other", engine: nil) { other in
                try await TestNode.run("laptop", engine: nil) { laptop in
                    let nobody = try #require(PeerAddress(host: "127.0.0.1", port: 1))
                    let words = try PairingCode.read(try await code(from: desk, as: tier)).get().words
                    let addresses = try [nobody, laptop.peerAddress, other.peerAddress, desk.peerAddress]
                    try await seeing(addresses, laptop) {
                        let peer = try await join(laptop, words)
                        #expect(peer.id == desk.id)
                    }
                    #expect(desk.mesh.trust.standing(of: laptop.id) == (tier == .kin ? .kin : .kith))
                    #expect(other.mesh.trust.standing(of: laptop.id) == .stranger)
                    let reasons = other.refusals.filter { $0.kind == .pairingRefused }.map(\.reason)
                    #expect(reasons.allSatisfy { $0 == PairingRefusal.unknownInvitation.rawValue })
                }
            }
        }
    }

    @Test("Words that nobody knows, that are one's own, or that nobody is there to know, are refused in words")
    func foreignWords() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            try await TestNode.run("laptop", engine: nil) { laptop in
                func answer(_ words: String) async -> String? {
                    await #expect(throws: ControlError.self) { try await join(laptop, words) }?.message
                }
                let own = try PairingCode.read(try await code(from: laptop)).get().words
                var foreign = InvitationStore(inviter: desk.id)
                var generator = SeededGenerator(seed: 1)
                let never = try foreign.invite(tier: .kin, addresses: [], now: .zero, using: &generator).get().words
                #expect(await answer(never)?.contains("sees no other") == true)
                try await seeing([try desk.peerAddress], laptop) {
                    #expect(await answer(never)?.contains("knows these words") == true)
                    #expect(await answer(own)?.contains("this very node") == true)
                }
                #expect(laptop.mesh.trust.standing(of: desk.id) == .stranger)
            }
        }
    }

    @Test("Kin do not come to trust each other less by words or a code for somebody else's node")
    func kinByWords() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            try await TestNode.run("laptop", engine: nil) { laptop in
                try await join(laptop, try await code(from: desk))
                let kith = try PairingCode.read(try await code(from: desk, as: .kith)).get()
                try await seeing([try desk.peerAddress, try #require(PeerAddress("127.0.0.1:1"))], laptop) {
                    #expect(await refusal(laptop, kith.words) == .refusedCode)
                }
                #expect(await refusal(laptop, kith.text) == .invalid)
                for (here, there) in [(desk, laptop), (laptop, desk)] {
                    #expect(here.mesh.trust.standing(of: there.id) == .kin)
                }
            }
        }
    }

    @Test("A code whose addresses are stale finds its node where the network shows it")
    func movedNode() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            try await TestNode.run("laptop", engine: nil) { laptop in
                let made = try PairingCode.read(try await code(from: desk)).get()
                let nobody = try #require(PeerAddress(host: "127.0.0.1", port: 1))
                let stale = PairingCode(inviter: desk.id, addresses: [nobody], seed: made.seed, tier: made.tier)
                #expect(await refusal(laptop, stale.text) == .unreachable)
                try await seeing([try desk.peerAddress], laptop) {
                    _ = await eventually { laptop.mesh.nearby().nodes.first?.id != nil }
                    let peer = try await join(laptop, stale.text)
                    #expect(peer.id == desk.id)
                }
            }
        }
    }

    @Test("This node itself at the code's address is no impostor: the code is of no use here, and that is said")
    func itself() async throws {
        let inviter = try NodeIdentity.temporary()
        try await TestNode.run("laptop", engine: nil) { laptop in
            var book = InvitationStore(inviter: inviter.id)
            var generator = SeededGenerator(seed: 2)
            let code = try book.invite(
                tier: .kin, addresses: [laptop.peerAddress], now: .zero, using: &generator
            ).get()
            let error = await #expect(throws: ControlError.self) {
                _ = try await laptop.mesh.join(.init(code: code.text))
            }
            #expect(error?.code == .unreachable)
            #expect(
                error?.message.contains("kith setup --yes --lan") == true && error?.message.contains("trust") == false)
            #expect(!laptop.refusals.contains { $0.kind == .pairingRefused })
        }
    }

    @Test("Guesses are held up after ten, and whoever was invited is not")
    func guesses() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            try await TestNode.run("laptop", engine: nil) { laptop in
                let stranger = try PeerVisitor(.temporary())
                for number in 1...12 {
                    let guess = PairingHello(
                        invitation: try #require(InvitationID("AAAAAAAAAAAAAAAAAAAAAAAAAA")),
                        nonce: try #require(Octets32([UInt8](repeating: UInt8(number), count: 32))))
                    let body = String(decoding: try JSONBody.encode(guess), as: UTF8.self)
                    let reply = try await stranger.send(.post, PeerWire.pairingHelloPath, body, to: desk)
                    #expect(reply.status == 403)
                    let wanted: PairingRefusal = number > 10 ? .tooManyAttempts : .unknownInvitation
                    #expect(reply.text.contains(wanted.rawValue))
                }
                #expect(desk.audit.count(.pairingRefused) == 12)
                #expect(await refusal(laptop, try await code(from: desk)) == nil)
            }
        }
    }

    @Test("What was overheard of a pairing is of no use to somebody else")
    func replayed() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            let (joiner, thief) = (try NodeIdentity.temporary(), try NodeIdentity.temporary())
            let code = try PairingCode.read(try await code(from: desk)).get()
            var generator = SeededGenerator(seed: 3)
            var attempt = JoinAttempt(
                code: code, joiner: joiner.id, introduction: PairingIntroduction(name: nil, addresses: []),
                using: &generator)
            let visitor = try PeerVisitor(joiner)
            let hello = String(decoding: try JSONBody.encode(attempt.hello), as: UTF8.self)
            let challenge = try await visitor.send(.post, PeerWire.pairingHelloPath, hello, to: desk)
            let proof = try attempt.answer(
                try JSONBody.decode(PairingChallenge.self, from: Array(challenge.text.utf8)), from: desk.id
            ).get()
            let body = String(decoding: try JSONBody.encode(proof), as: UTF8.self)
            let stolen = try await PeerVisitor(thief).send(.post, PeerWire.pairingProofPath, body, to: desk)
            #expect(stolen.status == 403)
            #expect(try await visitor.send(.post, PeerWire.pairingProofPath, body, to: desk).status == 200)
            let again = try await visitor.send(.post, PeerWire.pairingProofPath, body, to: desk)
            #expect(again.status == 403)
            #expect(desk.refusals.map(\.reason) == ["replayed", "replayed"])
            #expect(desk.mesh.trust.standing(of: thief.id) == .stranger)
            #expect(desk.mesh.trust.standing(of: joiner.id) == .kin)
        }
    }
}
