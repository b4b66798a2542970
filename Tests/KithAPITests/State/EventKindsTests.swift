// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithPeers
import KithSurfaceTesting
import NIOHTTP1
import Testing
@testable import KithAPI

@Suite("What is told as it happens", .timeLimit(.minutes(2)))
struct EventKindsTests {
    private static let completion = #"{"messages":[{"role":"user","content":"hello"}]}"#

    /// What one follower is told, one after another.
    private final class Told {
        private var events: EventFollower.AsyncIterator

        init(_ node: TestNode, _ kinds: Set<NodeEvent.Kind>) throws {
            events = try #require(node.services.events.follow(kinds)).makeAsyncIterator()
        }

        /// The next event of which this is true.
        func next(_ kind: NodeEvent.Kind, where isWanted: (JSONObject) -> Bool = { _ in true }) async -> JSONObject? {
            while let followed = await events.next(isolation: #isolation) {
                if let event = followed.event, event.kind == kind, isWanted(event.fields) { return event.fields }
            }
            return nil
        }
    }

    @Test("A request is told when a node is asked, and when it has ended, by the same id")
    func requests() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { node in
            let told = try Told(node, [.request, .route])
            #expect(try await node.send(.POST, "/v1/chat/completions", Self.completion).status == 200)
            let begun = try #require(await told.next(.request))
            #expect(begun["node"] == "desk")
            #expect(begun["continues"] == false)
            let ended = try #require(await told.next(.route))
            #expect(ended["id"] == begun["id"])
        }
    }

    @Test("Conversations are told to the owner alone")
    func sessions() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { node in
            let told = try Told(node, [.session])
            #expect(try await node.send(.POST, "/api/chat", #"{"message":"hi","session":"plan"}"#).status == 200)
            #expect(await told.next(.session) == ["id": "plan", "change": "created"])
            let owner = node.asOwner()
            #expect(try await owner.send(.PATCH, "/api/sessions/plan", #"{"title":"The plan"}"#).status == 200)
            #expect(await told.next(.session) == ["id": "plan", "change": "changed", "title": "The plan"])
            #expect(try await owner.send(.DELETE, "/api/sessions/plan").status == 204)
            #expect(await told.next(.session) == ["id": "plan", "change": "deleted"])
            #expect(try await node.send(.GET, "/api/events?kinds=session").status == 403)
        }
    }

    @Test("Whoever follows is told of this node and its peers, and of what changes: drained, written, gone")
    func peers() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: EchoEngine(), kin: [desk]) { laptop in
                try await desk.awaitKin(1)
                let told = try Told(desk, [.mesh, .node, .sync])
                #expect(await told.next(.mesh) { $0["name"] == "laptop" && $0["state"] == "up" } != nil)
                #expect(try await desk.asOwner().send(.PUT, "/api/drain", #"{"draining":true}"#).status == 200)
                #expect(await told.next(.node) { $0["draining"] == true } != nil)
                #expect(try await desk.send(.PUT, "/api/context/branch", #"{"value":"main"}"#).status == 200)
                let exchange = await told.next(.sync) { ($0["sent"]?.intValue ?? 0) > 0 }
                #expect(exchange?["name"] == "laptop")
                let path = "/api/peers/laptop"
                #expect(try await desk.asOwner().send(.PATCH, path, #"{"name":"den"}"#).status == 200)
                #expect(await told.next(.mesh) { $0["name"] == "den" } != nil)
                #expect(try await desk.asOwner().send(.DELETE, "/api/peers/den").status == 200)
                #expect(await told.next(.mesh) { $0["gone"] == true && $0["name"] == "den" } != nil)
                withExtendedLifetime(laptop) {}
            }
        }
    }

    @Test("A pairing code that is made is told, and not what it is")
    func pairing() async throws {
        try await TestNode.run("desk", engine: nil) { node in
            let told = try Told(node, [.pairing])
            #expect(try await node.asOwner().send(.POST, "/api/invitations", #"{"tier":"kin"}"#).status == 201)
            #expect(await told.next(.pairing) == ["change": "invited", "tier": "kin"])
        }
    }
}
