// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithAPI
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Bridge to a kin", .timeLimit(.minutes(2)))
struct BridgeKinTests {
    @Test("A kin that is a cell is asked over the peer channel, and named in health and among the peers")
    func healthy() async throws {
        try await TestNode.run("desk", engine: EchoEngine(), isCell: true, peerRoutes: { $0.cellRoutes() }) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                try await TestBridge.run([], kin: { laptop.mesh.kinCells() }, state: laptop.services.state) { bridge in
                    try await bridge.become("healthy")
                    let upstream = try await bridge.health()["upstreams"]?.arrayValue?.first
                    #expect(upstream?["node"] == "desk")
                    #expect(upstream?["url"] == nil)
                    let assist = try await bridge.assist()
                    #expect(assist.headers.first(name: "x-kith-route")?.hasPrefix("node=desk;") == true)
                    let answer = try assist.json()
                    #expect(answer["source"] == "desktop_cell")
                    #expect(answer["node"] == "desk")
                    #expect(answer["code_length"] == 13)
                    let reply = try await bridge.sync(2.5)
                    #expect(reply.status == 200)
                    #expect(try reply.json()["old_level"] == 1)
                    #expect(
                        laptop.services.state.level(of: .node(desk.id))?.level == 2.5, "written by whoever was told")
                    try await desk.until { $0.level(of: .node(desk.id))?.level == 2.5 }
                    let peers = try await bridge.send(.GET, "/network-peers").json()
                    #expect(peers["desktop_cell"] == "kin:desk")
                    #expect(peers["peers"]?.arrayValue?.first?["is_desktop"] == true)
                    #expect(peers["peers"]?.arrayValue?.first?["kith"]?["id"] == .string(desk.id.description))
                }
            }
        }
    }

    @Test("A node that has not the role is no upstream")
    func noCell() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                #expect(laptop.mesh.kinCells().isEmpty)
            }
        }
    }

    @Test("What a kin misses while it is away is written to the state that both share, and not to the queue")
    func away() async throws {
        try await TestNode.run("laptop", engine: nil) { laptop in
            try await TestBridge.run([], kin: { laptop.mesh.kinCells() }, state: laptop.services.state) { bridge in
                let desk = try await TestNode.run(
                    "desk", engine: EchoEngine(), isCell: true, peerRoutes: { $0.cellRoutes() }
                ) { desk in
                    try await laptop.trust(desk)
                    try await bridge.become("healthy")
                    #expect(try await bridge.sync(2).status == 200)
                    try await laptop.until { $0.level(of: .node(desk.id))?.level == 2 }
                    return desk.id
                }
                try await bridge.become("degraded")
                let reply = try await bridge.sync(3.5)
                #expect(reply.status == 202)
                #expect(try reply.json()["old_level"] == 2)
                #expect(laptop.services.state.level(of: .node(desk))?.level == 3.5)
                #expect(laptop.services.state.level(of: .named("vscode-agent-laptop"))?.level == 3.5)
                let health = try await bridge.health()
                #expect(health["queued"] == 0)
                #expect(health["desktop_cell_url"] == "kin:desk")
            }
        }
    }
}
