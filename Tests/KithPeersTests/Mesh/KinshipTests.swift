// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithAPI
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithSurfaceTesting
import KithTesting
import KithTrust
import NIOHTTP1
import Testing

@Suite("Kin introduce and forget kin", .timeLimit(.minutes(3)))
struct KinshipTests {
    /// Three nodes, of which the first invited the second, and the second the third.
    private func withThree(_ body: @Sendable (TestNode, TestNode, TestNode) async throws -> Void) async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: EchoEngine()) { laptop in
                try await TestNode.run("phone", engine: EchoEngine()) { phone in
                    try await pair(desk, laptop)
                    try await pair(laptop, phone)
                    for node in [desk, laptop, phone] { try await node.awaitKin(2) }
                    try await body(desk, laptop, phone)
                }
            }
        }
    }

    private func pair(_ inviter: TestNode, _ joiner: TestNode) async throws {
        let invitation = try await inviter.mesh.invite(ControlMessage.InvitationRequest(tier: .kin))
        _ = try await joiner.mesh.join(ControlMessage.JoinRequest(code: invitation.code))
    }

    private func expect(_ standing: PeerRelation, of id: NodeID, at nodes: TestNode...) async {
        for node in nodes {
            #expect(await eventually { node.mesh.trust.standing(of: id) == standing }, "\(node.name)")
        }
    }

    @Test("Two codes make three nodes kin of each other, and each answers each")
    func introduced() async throws {
        try await withThree { desk, _, phone in
            #expect(desk.mesh.trust.kin.contains(phone.id))
            #expect(desk.audit.count(.pairingAccepted) == 1)
            let answer = try await phone.send(
                .POST, "/v1/chat/completions", headers: ["x-kith-node": "desk"],
                #"{"messages":[{"role":"user","content":"far away"}]}"#)
            #expect(answer.status == 200)
            #expect(answer.text.contains("far away"))
        }
    }

    @Test("Whom one kin forgets no kin answers, now and after a new start")
    func forgotten() async throws {
        try await withThree { desk, laptop, phone in
            _ = try await desk.mesh.forget("phone")
            await expect(.forgotten, of: phone.id, at: desk, laptop)
            let visitor = try PeerVisitor(phone.identity)
            for node in [desk, laptop] {
                let reply = try await visitor.send(.get, PeerWire.modelsPath, to: node)
                #expect(reply.status == 403)
                #expect(reply.text.contains("forgotten"))
                #expect(!node.mesh.directory.peers().contains { $0.id == phone.id })
                let reopened = try await TrustStore.open(identity: node.identity, store: node.services.store)
                #expect(reopened.standing(of: phone.id) == .forgotten)
            }
        }
    }

    @Test("Who was paired here by hand is no kin by the word of the forgotten alone, whatever that one stated too")
    func notIntroduced() async throws {
        try await withThree { desk, laptop, phone in
            let forgotten = try await laptop.mesh.forget("phone", wholly: true)
            #expect(forgotten.introduced.isEmpty)
            #expect(laptop.mesh.trust.kin.contains(desk.id))
        }
        try await withThree { desk, laptop, _ in
            let forgotten = try await desk.mesh.forget("laptop")
            #expect(forgotten.introduced.map(\.name.rawValue) == ["phone"])
        }
    }

    @Test("A forgotten node that is paired again is kin of all again")
    func takenBack() async throws {
        try await withThree { desk, laptop, phone in
            _ = try await desk.mesh.forget("phone")
            await expect(.forgotten, of: phone.id, at: desk, laptop)
            try await pair(laptop, phone)
            await expect(.kin, of: phone.id, at: desk, laptop)
            for node in [desk, laptop, phone] { try await node.awaitKin(2) }
        }
    }

    @Test("A kin that becomes kith loses its rights with all kin, and is listed with each address once")
    func demoted() async throws {
        try await withThree { desk, laptop, phone in
            let changed = try await desk.mesh.change("phone", ControlMessage.PeerChange(tier: .kith))
            #expect(changed.tier == .kith)
            #expect(desk.audit.count(.peerTierChanged) == 1)
            await expect(.kith, of: phone.id, at: desk)
            await expect(.forgotten, of: phone.id, at: laptop)
            let visitor = try PeerVisitor(phone.identity)
            #expect(try await visitor.send(.get, PeerWire.modelsPath, to: desk).text.contains("kin_only"))
            #expect(try await visitor.send(.get, PeerWire.modelsPath, to: laptop).text.contains("forgotten"))
            let entry = try #require(desk.mesh.directory.peers().first { $0.id == phone.id })
            #expect(entry.addresses == [try phone.peerAddress.description])
        }
    }

    @Test("A peer goes by the name that the owner gives it, by its id and by the id's first group")
    func found() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: EchoEngine(), kin: [desk]) { laptop in
                let renamed = try await laptop.mesh.change(
                    "desk", ControlMessage.PeerChange(name: NodeName("attic")))
                #expect(renamed.name.rawValue == "attic")
                for reference in ["attic", desk.id.description, desk.id.short, desk.id.short.lowercased()] {
                    let found = try await laptop.mesh.change(
                        reference, ControlMessage.PeerChange(name: NodeName("attic")))
                    #expect(found.id == desk.id)
                }
                #expect(try await laptop.send(.GET, "/api/status").text.contains("attic"))
                await expectFailure(.unknownPeer) {
                    _ = try await laptop.mesh.change("desk", ControlMessage.PeerChange(name: NodeName("x")))
                }
                await expectFailure(.unknownPeer) { _ = try await laptop.mesh.forget("nobody") }
            }
        }
    }

    @Test("A reference that fits two peers is refused")
    func ambiguous() async throws {
        try await TestNode.run("desk", engine: nil) { desk in
            let (first, second) = (try NodeIdentity.temporary().id, try NodeIdentity.temporary().id)
            let name = try #require(NodeName(first.short))
            try await desk.mesh.trust.admit(first, as: .kith, name: nil, addresses: [], at: .now())
            try await desk.mesh.trust.admit(second, as: .kith, name: name, addresses: [], at: .now())
            desk.mesh.directory.refresh()
            let names = desk.mesh.directory.peers().map(\.name)
            #expect(Set(names).count == 2)
            try await desk.mesh.trust.update(first) { $0.nickname = NodeName("other") }
            desk.mesh.directory.refresh()
            desk.mesh.directory.refresh()
            await expectFailure(.ambiguousPeer) { _ = try await desk.mesh.forget(first.short) }
        }
    }

    @Test("No peer is called nearby, which stands for something else in paths")
    func nearby() async throws {
        try await TestNode.run("nearby", engine: EchoEngine()) { other in
            try await TestNode.run("laptop", engine: EchoEngine(), kin: [other]) { laptop in
                await expectFailure(.invalid) {
                    _ = try await laptop.mesh.change(
                        other.id.short, ControlMessage.PeerChange(name: NodeName("nearby")))
                }
                let name = try #require(laptop.mesh.directory.peers().first).name.rawValue
                #expect(name == "nearby-" + other.id.short)
                let renamed = try await laptop.mesh.change(name, ControlMessage.PeerChange(name: NodeName("attic")))
                #expect(renamed.name.rawValue == "attic")
            }
        }
    }

    private func expectFailure(_ code: ControlError.Code, _ operation: () async throws -> Void) async {
        do {
            try await operation()
            Issue.record("\(code) was expected")
        } catch {
            #expect((error as? ControlError)?.code == code)
        }
    }

    @Test("The beginning of a name is enough to forget a node, and not to trust one more")
    func beginnings() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: EchoEngine(), kin: [desk]) { laptop in
                let error = await #expect(throws: ControlError.self) {
                    _ = try await desk.mesh.change("lap", .init(tier: .kith))
                }
                #expect(error?.code == .unknownPeer)
                #expect(desk.mesh.trust.standing(of: laptop.id) == .kin)
                _ = try await desk.mesh.forget("lap")
                #expect(desk.mesh.trust.standing(of: laptop.id) != .kin)
            }
        }
    }
}
