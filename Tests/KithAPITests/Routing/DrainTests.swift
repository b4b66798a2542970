// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("A node that drains", .timeLimit(.minutes(2)))
struct DrainTests {
    private static let question = #"{"messages":[{"role":"user","content":"hello"}]}"#

    private func drain(_ node: TestNode, _ isDraining: Bool = true) async throws -> ControlMessage.Drain {
        let reply = try await node.asOwner().send(.PUT, "/api/drain", #"{"draining":\#(isDraining)}"#)
        #expect(reply.status == 200, "\(reply.text)")
        return try reply.decode(ControlMessage.Drain.self)
    }

    private func answerer(_ node: TestNode) async throws -> String? {
        let reply = try await node.send(.POST, "/v1/chat/completions", Self.question)
        #expect(reply.status == 200, "\(reply.text)")
        let route = reply.headers.first(name: "x-kith-route") ?? ""
        return route.split(separator: ";").first.map { String($0.dropFirst("node=".count)) }
    }

    @Test("Kin and the node itself send new prompts elsewhere, until it is over")
    func elsewhere() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: EchoEngine(), kin: [desk]) { laptop in
                let state = try await drain(laptop)
                #expect(state.draining)
                #expect(state.active == 0)
                #expect(state.kinAnswer)
                #expect(try await laptop.send(.GET, "/api/status").decode(NodeStatus.self).draining == true)
                for _ in 0..<5 { #expect(try await answerer(laptop) == "desk") }
                #expect(
                    await eventually {
                        desk.services.mesh.snapshots().contains { $0.name == laptop.name && $0.isDraining }
                    })
                let peers = try await desk.send(.GET, "/api/status").decode(NodeStatus.self).peers
                #expect(peers.map(\.draining) == [true])
                #expect(peers.map(\.state) == ["up"])
                let explained = try await desk.send(.POST, "/api/routes/explain", Self.question)
                    .decode(RouteMessage.Explanation.self)
                #expect(explained.skipped.contains(.init(node: "laptop", reason: "draining")))

                #expect(try await !drain(laptop, false).draining)
                #expect(
                    await eventually { desk.services.mesh.snapshots().allSatisfy { !$0.isDraining } })
                let pinned = try await desk.send(
                    .POST, "/v1/chat/completions", headers: ["x-kith-node": "laptop"], Self.question)
                #expect(pinned.status == 200)
            }
        }
    }

    @Test("Whoever has no kin to answer in its place goes on answering its own clients")
    func lastResort() async throws {
        try await TestNode.run("laptop", engine: EchoEngine()) { laptop in
            #expect(try await !drain(laptop).kinAnswer)
            let reply = try await laptop.send(.POST, "/v1/chat/completions", Self.question)
            #expect(reply.status == 200)
            #expect(reply.headers.first(name: "x-kith-route")?.contains("reason=last-resort") == true)
        }
    }

    @Test("An answer under way goes on to its end")
    func underWay() async throws {
        let settings = TestEngineSettings(tokensPerSecond: 10)
        try await TestNode.run("desk", engine: CountEngine(setup: .init(settings: settings))) { desk in
            let body = #"{"stream":true,"max_tokens":30,"messages":[{"role":"user","content":"x"}]}"#
            async let reply = desk.send(.POST, "/v1/chat/completions", body)
            #expect(await eventually { desk.services.engine.status().active == 1 })
            #expect(try await drain(desk).active == 1)
            let text = try await reply.text
            #expect(text.contains(#""content":" 30""#))
            #expect(text.hasSuffix("data: [DONE]\n\n"))
            let isIdle = try await eventually {
                try await desk.asOwner().send(.GET, "/api/drain").decode(ControlMessage.Drain.self).active == 0
            }
            #expect(isIdle)
        }
    }

    @Test("Only the owner may ask for it, and only with what can be meant")
    func refusals() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            #expect(try await desk.send(.PUT, "/api/drain", #"{"draining":true}"#).status == 403)
            #expect(try await desk.send(.GET, "/api/drain").status == 403)
            for body in ["", "{", "{}", "[]", #"{"draining":"yes"}"#, #"{"draining":null}"#] {
                let reply = try await desk.asOwner().send(.PUT, "/api/drain", body)
                #expect([400, 422].contains(reply.status), "\(body): \(reply.text)")
                #expect(try reply.json()["error"]?["message"]?.stringValue?.isEmpty == false)
            }
            #expect(try await desk.asOwner().send(.POST, "/api/drain", #"{"draining":true}"#).status == 405)
            #expect(desk.services.mesh.snapshots().allSatisfy { !$0.isDraining })
        }
    }

    @Test("A kin of before that knows nothing of draining is taken for one that does not drain")
    func older() throws {
        var load = PeerLoad(
            name: try #require(NodeName("old")), version: "1", catalogue: 1, loading: false, slots: 1, outstanding: 0,
            level: 1)
        let old = try JSONBody.encode(load)
        #expect(!String(decoding: old, as: UTF8.self).contains("raining"))
        #expect(try JSONBody.decode(PeerLoad.self, from: old).isDraining == nil)
        load.isDraining = true
        #expect(try JSONBody.decode(PeerLoad.self, from: try JSONBody.encode(load)).isDraining == true)
    }
}
