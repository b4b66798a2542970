// SPDX-License-Identifier: Apache-2.0

import KithAIOS
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Bridge and its neighbours", .timeLimit(.minutes(2)))
struct BridgePeersTests {
    @Test("The cell it stands for is marked, whether discovery knows it or not")
    func desktop() async throws {
        try await SeedCell.serve { _, server in
            let address = server.address
            let own: @Sendable () -> [CellInfo] = {
                [CellInfo(cellID: "tablet", ip: "10.0.0.7", port: 8000, level: 1, services: ["code-assist"])]
            }
            try await TestBridge.run([address], registry: own) { bridge in
                try await bridge.become("healthy")
                let body = try await bridge.send(.GET, "/network-peers").json()
                #expect(body["desktop_cell"] == .string(address.description))
                #expect(body["error"] == nil)
                let peers = try #require(body["peers"]?.arrayValue)
                #expect(peers.map { $0["cell_id"] } == ["tablet", "desktop-primary"])
                #expect(peers.map { $0["is_desktop"] } == [nil, true])
                #expect(peers.last?["port"] == .integer(Int64(address.port)))
                #expect(peers.last?["consciousness_level"] == 3.2)
                #expect(peers.last?["services"] == ["code-assist", "consciousness-sync", "health"])
            }
        }
    }

    @Test("A discovery service is asked in the background, and the cell is recognised in its list")
    func discovery() async throws {
        try await SeedCell.serve { _, cell in
            let listed = """
                {"peers":[{"cell_id":"desk","ip":"127.0.0.1","port":\(cell.address.port),"consciousness_level":2}],
                 "count":1,"my_host":"AIOS"}
                """
            try await StubServer.serve { _, answer in
                try await answer.send(listed)
            } during: { discovery in
                try await TestBridge.run([cell.address], discovery: [discovery.address]) { bridge in
                    let isListed = try await eventually {
                        let peers = try await bridge.send(.GET, "/network-peers").json()["peers"]?.arrayValue
                        return peers?.count == 1 && peers?.first?["cell_id"] == "desk"
                            && peers?.first?["is_desktop"] == true
                    }
                    #expect(isListed)
                }
            }
        }
    }

    @Test("A discovery service that fails is told of, with status 200")
    func failing() async throws {
        try await TestBridge.run([], discovery: [HTTPAddress(host: "127.0.0.1", port: 1)]) { bridge in
            let isTold = try await eventually {
                let reply = try await bridge.send(.GET, "/network-peers")
                #expect(reply.status == 200)
                return try reply.json()["error"]?.stringValue?.contains("cannot connect") == true
            }
            #expect(isTold)
            #expect(try await bridge.send(.GET, "/network-peers").json()["peers"] == [])
        }
    }
}
