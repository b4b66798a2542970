// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithAPI
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithStore
import KithSurfaceTesting
import KithTesting
import KithTrust
import NIOHTTP1
import Testing

@Suite("Conversations for their owner, and from kin to kin", .timeLimit(.minutes(3)))
struct SessionRoutesTests {
    private static func kitchen() throws -> SessionID { try #require(SessionID("the kitchen")) }

    private static let path = "/api/sessions/the%20kitchen"

    private func withPair(_ body: @Sendable (TestNode, TestNode) async throws -> Void) async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: EchoEngine(), kin: [desk]) { laptop in
                try await body(desk.asOwner(), laptop.asOwner())
            }
        }
    }

    private func talk(to node: TestNode, _ words: String...) async throws {
        for word in words {
            let body = #"{"message":"\#(word)","session":"the kitchen"}"#
            #expect(try await node.send(.POST, "/api/chat", body).status == 200)
        }
    }

    private func said(_ node: TestNode) async throws -> [String] {
        try await node.services.store.history(session: Self.kitchen(), limit: 100).map(\.text)
    }

    private func send(_ node: TestNode, to name: String) async throws -> TestReply {
        try await node.send(.POST, Self.path + "/send", #"{"to":"\#(name)"}"#)
    }

    // MARK: Looking

    @Test("A conversation is listed and read by its owner, and by nobody else on the machine")
    func read() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { node in
            try await talk(to: node, "hello")
            let listed = try await node.asOwner().send(.GET, "/api/sessions").decode(SessionMessage.Sessions.self)
            #expect(listed.sessions.map(\.id) == ["the kitchen"])
            #expect(listed.sessions.map(\.turnCount) == [1])
            #expect(listed.sessions.map(\.node) == ["desk"])
            let whole = try await node.asOwner().send(.GET, Self.path).decode(SessionMessage.Session.self)
            #expect(whole.turns.map(\.role) == [.user, .assistant])
            #expect(whole.turns.first?.text == "hello")
            #expect(whole.turns.last?.node == "desk")
            #expect(!whole.isCut)
            for (method, path) in [(.GET, "/api/sessions"), (.GET, Self.path), (.POST, Self.path + "/send")]
                as [(HTTPMethod, String)]
            {
                #expect(try await node.send(method, path, method == .POST ? #"{"to":"x"}"# : nil).status == 403)
            }
            let headers: HTTPHeaders = ["Authorization": "Bearer \(try await node.key([.chat, .sync, .read, .peer]))"]
            #expect(try await node.send(.GET, "/api/sessions", headers: headers).status == 403)
        }
    }

    @Test(
        "What is not there is told in words",
        arguments: [(HTTPMethod.GET, "nobody"), (.GET, "%FF"), (.POST, "nobody/send")])
    func unknown(method: HTTPMethod, name: String) async throws {
        try await withPair { desk, _ in
            let reply = try await desk.send(
                method, "/api/sessions/" + name, method == .POST ? #"{"to":"laptop"}"# : nil)
            #expect(reply.status == 404)
            #expect(try reply.json()["error"]?["code"] == "not_found")
        }
    }

    // MARK: Moving

    @Test("A conversation moves to a kin with all its turns, goes on there, and comes back")
    func moved() async throws {
        try await withPair { desk, laptop in
            try await talk(to: desk, "one", "two")
            let before = try await said(desk)
            let sent = try await send(desk, to: "laptop")
            #expect(sent.status == 200)
            #expect(try sent.decode(SessionMessage.Sent.self).to.id == laptop.id)
            #expect(try await said(desk).isEmpty)
            #expect(try await said(laptop) == before)
            try await talk(to: laptop, "three")
            #expect(try await send(laptop, to: desk.id.description).status == 200)
            #expect(try await said(desk).count == 6)
            #expect(try await said(laptop).isEmpty)
        }
    }

    @Test("A lost answer leaves both with it, and sending again ends that")
    func repeated() async throws {
        try await withPair { desk, laptop in
            try await talk(to: desk, "one")
            let export = try #require(try await desk.services.store.exportSession(Self.kitchen(), textLimit: .max))
            #expect(try await desk.mesh.send(export, to: "laptop").receipt.outcome == .stored)
            #expect(try await said(desk) == said(laptop))
            #expect(try await send(desk, to: "laptop").status == 200)
            #expect(try await said(desk).isEmpty)
            #expect(try await said(laptop).count == 2)
        }
    }

    @Test("One that went on is sent again in place of its beginning")
    func continued() async throws {
        try await withPair { desk, laptop in
            try await talk(to: desk, "one")
            let export = try #require(try await desk.services.store.exportSession(Self.kitchen(), textLimit: .max))
            _ = try await desk.mesh.send(export, to: "laptop")
            try await talk(to: desk, "two")
            #expect(try await send(desk, to: "laptop").status == 200)
            #expect(try await said(laptop).count == 4)
        }
    }

    @Test("Where another conversation has the name, both stay where they are")
    func refused() async throws {
        try await withPair { desk, laptop in
            try await talk(to: desk, "one")
            try await talk(to: laptop, "other")
            let reply = try await send(desk, to: "laptop")
            #expect(reply.status == 409)
            #expect(reply.text.contains("laptop") && reply.text.contains("conversation of that name"))
            #expect(try await said(desk).first == "one")
            #expect(try await said(laptop).first == "other")
        }
    }

    @Test("A conversation that is too long is refused in words, and stays")
    func tooLong() async throws {
        try await withPair { desk, laptop in
            let text = String(repeating: "x", count: 250_000)
            for _ in 0..<9 {
                try await desk.services.store.appendExchange(
                    session: Self.kitchen(), user: text, assistant: text, outcome: .completed, at: .now())
            }
            let reply = try await send(desk, to: "laptop")
            #expect(reply.status == 422)
            #expect(reply.text.contains("too long to be sent"))
            #expect(try await said(desk).count == 18)
            let shown = try await desk.send(.GET, Self.path).decode(SessionMessage.Session.self)
            #expect(shown.isCut)
            #expect(shown.turns.count == 16)
            #expect(try await said(laptop).isEmpty)
        }
    }

    @Test("Who cannot be reached, is not known or is kith gets nothing, and the conversation stays")
    func nobody() async throws {
        try await withPair { desk, _ in
            try await talk(to: desk, "one")
            let (gone, friend) = (try NodeIdentity.temporary().id, try NodeIdentity.temporary().id)
            try await desk.mesh.trust.admit(gone, as: .kin, name: NodeName("gone"), addresses: [], at: .now())
            try await desk.mesh.trust.admit(friend, as: .kith, name: NodeName("friend"), addresses: [], at: .now())
            desk.mesh.directory.refresh()
            for (name, status, words) in [
                ("gone", 502, "still here"), ("friend", 422, "own machines only"), ("nobody", 404, "kith peers"),
                ("desk", 404, "kith peers"), ("a b\\u0007", 404, "name or its id"),
            ] {
                let reply = try await send(desk, to: name)
                #expect(reply.status == status, "\(name): \(reply.text)")
                #expect(reply.text.contains(words), "\(name): \(reply.text)")
            }
            #expect(try await said(desk).count == 2)
        }
    }

    @Test("A kith, a stranger and a spoilt parcel leave nothing behind", arguments: [41, 42] as [UInt64])
    func intruders(seed: UInt64) async throws {
        print("seed \(seed)")
        try await withPair { desk, laptop in
            try await talk(to: desk, "one")
            let export = try #require(try await desk.services.store.exportSession(Self.kitchen(), textLimit: .max))
            let parcel = String(decoding: try JSONBody.encode(SessionTransfer(export)), as: UTF8.self)
            let friend = try NodeIdentity.temporary()
            try await laptop.mesh.trust.admit(friend.id, as: .kith, name: nil, addresses: [], at: .now())
            for identity in [friend, try NodeIdentity.temporary()] {
                let reply = try await PeerVisitor(identity).send(.post, PeerWire.sessionsPath, parcel, to: laptop)
                #expect(reply.status == 403)
            }
            #expect(try await laptop.services.store.sessions(limit: 9).isEmpty)
            let kin = try await laptop.newKin()
            var generator = SeededGenerator(seed: seed)
            for _ in 0..<40 {
                let body = Mutations.spoil(Array(parcel.utf8), using: &generator)
                let reply = try await kin.send(
                    .post, PeerWire.sessionsPath, String(decoding: body, as: UTF8.self), to: laptop)
                #expect([200, 400, 422].contains(reply.status), "\(reply.text)")
            }
        }
    }
}
