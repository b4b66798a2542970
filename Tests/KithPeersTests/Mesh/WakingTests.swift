// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithAPI
import KithDialects
import KithInference
import KithMembership
import KithModel
import KithPeers
import KithStore
import KithSurfaceTesting
import KithTesting
import KithTrust
import Synchronization
import Testing

@Suite("Kin learn how each other is woken, and nobody else does", .timeLimit(.minutes(2)))
struct WakingTests {
    /// A network card of a test's machine, on a network that there is only in the test.
    private final class Card: Sendable {
        let sent = Mutex<[String]>([])
        private let own: OwnNetwork

        init(_ number: Int) throws {
            own = OwnNetwork(
                interface: "eth0", hardware: try #require(HardwareAddress("02:00:00:00:00:0\(number)")),
                network: try #require(AddressRange("192.0.2.0/24")), own: try #require(IPAddress("192.0.2.\(number)")),
                everybody: try #require(IPAddress("192.0.2.255")))
        }

        var surroundings: Waker.Surroundings {
            Waker.Surroundings(survey: { [own] in [own] }) { [self] place in
                sent.withLock { $0.append("\(place.hardware)") }
                return true
            }
        }
    }

    private static func cards(of id: NodeID, at node: TestNode) -> [String] {
        let record = node.mesh.trust.peers().first { $0.id == id }
        return (record?.wake.cards ?? []).map { "\($0.hardware) \($0.networks.map(\.description).joined())" }
    }

    /// A desk and a laptop, kin of each other, that know how the other is woken.
    private func withTwo(_ body: @Sendable (TestNode, TestNode, Card) async throws -> Void) async throws {
        let (first, second) = (try Card(1), try Card(2))
        try await TestNode.run("desk", engine: EchoEngine(), surroundings: first.surroundings) { desk in
            try await TestNode.run(
                "laptop", engine: EchoEngine(), kin: [desk], surroundings: second.surroundings
            ) { laptop in
                #expect(await eventually { Self.cards(of: desk.id, at: laptop) == ["02:00:00:00:00:01 192.0.2.0/24"] })
                #expect(await eventually { Self.cards(of: laptop.id, at: desk) == ["02:00:00:00:00:02 192.0.2.0/24"] })
                try await body(desk, laptop, first)
            }
        }
    }

    private func wish(_ id: NodeID) throws -> String {
        String(decoding: try JSONBody.encode(PeerWakeRequest(node: id)), as: UTF8.self)
    }

    @Test("Kin learn it from the node itself, keep it on disk, and forget it with the node")
    func learned() async throws {
        try await withTwo { desk, laptop, _ in
            let kept = try await laptop.services.store.peerRecords().first { $0.id == desk.id }
            #expect(kept?.wake.cards.count == 1)
            _ = try await laptop.mesh.forget("desk")
            #expect(try await laptop.services.store.peerRecords().isEmpty)
        }
    }

    @Test("Who hears from another kin that one is forgotten forgets how it is woken too")
    func forgottenByAnother() async throws {
        try await withTwo { desk, laptop, _ in
            let wake = try #require(laptop.mesh.trust.peers().first?.wake)
            let phone = try NodeIdentity.temporary()
            try await laptop.mesh.trust.admit(phone.id, as: .kin, name: nil, addresses: [], at: .now())
            try await laptop.mesh.trust.update(phone.id) { $0.wake = wake }
            #expect(await eventually { desk.mesh.trust.kin.contains(phone.id) })
            _ = try await desk.mesh.forget(phone.id.short)
            #expect(await eventually { laptop.mesh.trust.standing(of: phone.id) == .forgotten })
            let isClean = try await eventually {
                try await laptop.services.store.peerRecords().allSatisfy { $0.id != phone.id || $0.wake.isEmpty }
            }
            #expect(isClean)
        }
    }

    @Test("A kin that becomes kith takes with it what was known of how it is woken")
    func demoted() async throws {
        try await withTwo { desk, laptop, _ in
            _ = try await laptop.mesh.change("desk", ControlMessage.PeerChange(tier: .kith))
            #expect(Self.cards(of: desk.id, at: laptop) == [])
            #expect(try await laptop.services.store.peerRecords().first?.wake.isEmpty == true)
        }
    }

    @Test("A friend's node is told nothing of it, by no answer, and can have nobody woken")
    func wall() async throws {
        try await withTwo { desk, laptop, card in
            let identity = try NodeIdentity.temporary()
            try await desk.mesh.trust.admit(identity.id, as: .kith, name: nil, addresses: [], at: .now())
            let friend = try PeerVisitor(identity)
            let asked: [(HTTPRequest.Method, String, String?)] = [
                (.get, PeerWire.hardwarePath, nil), (.post, PeerWire.wakePath, try wish(laptop.id)),
                (.post, PeerWire.helloPath, "{}"),
            ]
            for (method, path, body) in asked {
                let reply = try await friend.send(method, path, body, to: desk)
                #expect(!reply.text.contains("02:00:00"), "\(path)")
                #expect(reply.status == (path == PeerWire.helloPath ? 400 : 403), "\(path)")
            }
            #expect(card.sent.withLock { $0 } == [])
            let refusal = await #expect(throws: ControlError.self) { _ = try await desk.mesh.wake(identity.id.short) }
            #expect(refusal?.code == .invalid)
        }
    }

    @Test(
        "A kin sends for another what the sleeper itself has told it, and nothing for a machine that has told it nothing"
    )
    func helper() async throws {
        try await withTwo { desk, laptop, card in
            let kin = try await desk.newKin()
            let known = try await kin.send(.post, PeerWire.wakePath, try wish(laptop.id), to: desk)
            #expect(known.status == 200)
            #expect(known.text.contains("192.0.2.0"))
            #expect(card.sent.withLock { $0 } == ["02:00:00:00:00:02"])
            for id in [try NodeIdentity.temporary().id, desk.id] {
                let reply = try await kin.send(.post, PeerWire.wakePath, try wish(id), to: desk)
                #expect(reply.text.contains("unknown_address"))
            }
            #expect(card.sent.withLock { $0.count } == 1)
        }
    }

    @Test("A kin that has others woken again and again is told to wait")
    func rate() async throws {
        try await withTwo { desk, laptop, card in
            let kin = try await desk.newKin()
            var statuses: [Int] = []
            for _ in 0..<40 {
                statuses.append(try await kin.send(.post, PeerWire.wakePath, try wish(laptop.id), to: desk).status)
            }
            #expect(statuses.prefix(30).allSatisfy { $0 == 200 })
            #expect(statuses.last == 429)
            #expect(card.sent.withLock { $0.count } < 35)
        }
    }

    @Test("Who is up is not woken, and who cannot be is refused with the reason")
    func refusals() async throws {
        try await withTwo { desk, laptop, _ in
            #expect(try await laptop.mesh.wake("desk").isUp)
            let stranger = try NodeIdentity.temporary()
            try await laptop.mesh.trust.admit(stranger.id, as: .kin, name: NodeName("attic"), addresses: [], at: .now())
            let refusal = await #expect(throws: ControlError.self) { _ = try await laptop.mesh.wake("attic") }
            #expect(refusal?.code == .unreachable)
            #expect(refusal?.message == "attic cannot be woken: its hardware address was never seen")
        }
    }

    @Test("One that says goodnight is asleep, also after a new start of who heard it, and up when it is back")
    func asleep() async throws {
        try await withTwo { desk, laptop, _ in
            await desk.mesh.fallAsleep()
            func state() -> String? { laptop.mesh.directory.peers().first { $0.id == desk.id }?.state.word }
            #expect(await eventually { state() == "asleep" })
            #expect(await eventually { laptop.mesh.trust.peers().first?.wake.asleepSince != nil })
            let kept = try await TrustStore.open(identity: laptop.identity, store: laptop.services.store)
            #expect(kept.peers().first?.wake.asleepSince != nil)
            #expect(laptop.mesh.directory.mayBeWoken(desk.id))
            #expect(laptop.mesh.directory.wakeForecast(of: desk.id) == nil, "it was never woken before")
            try await laptop.mesh.trust.update(desk.id) { $0.wake.woke(after: .seconds(8)) }
            #expect(
                laptop.mesh.directory.wakeForecast(of: desk.id) == WakeForecast(usual: .seconds(8), begun: nil))
            desk.mesh.wakeUp()
            #expect(await eventually { state() == "up" })
            #expect(await eventually { laptop.mesh.trust.peers().first?.wake.asleepSince == nil })
        }
    }

    @Test("More cards than a machine may have are cut, and what is no answer is refused")
    func bounded() throws {
        let card = #"{"hardware":"02:00:00:00:00:01","networks":["10.0.0.0/24"]}"#
        let many =
            #"{"cards":[\#(Array(repeating: card, count: 50).joined(separator: ","))],"allowsPrompts":true,"new":1}"#
        #expect(try JSONBody.decode(PeerHardware.self, from: Array(many.utf8)).cards.count == NetworkCard.limit)
        let answer = #"{"networks":["10.0.0.0/24","\u001b[31m"],"refusal":"of a later version"}"#
        let read = try JSONBody.decode(PeerWakeAnswer.self, from: Array(answer.utf8))
        #expect(read.networks.map(\.description) == ["10.0.0.0/24"])
        #expect(read.refusal == .other)
    }
}
