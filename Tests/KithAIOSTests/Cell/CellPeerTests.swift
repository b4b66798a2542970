// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithAIOS
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithSurfaceTesting
import KithTesting
import Testing

@Suite("A cell for kin", .timeLimit(.minutes(3)))
struct CellPeerTests {
    @Test("Kin ask on the peer port what clients ask on the cell's")
    func kin() async throws {
        try await RunningCell.run { cell in
            let kin = try await cell.node.newKin()
            try await kin.visit(cell.node) { connection in
                let health = try await connection.send(.get, PeerWire.cellHealthPath)
                #expect(
                    try JSONBody.decode(CellMessage.Health.self, from: Array(health.text.utf8))
                        == CellMessage.Health(cellID: "desk", branch: "main", level: 1))
                let assist = try await connection.send(.post, PeerWire.cellAssistPath, SeedExamples.assist)
                let answer = try JSONBody.decode(CellMessage.AssistAnswer.self, from: Array(assist.text.utf8))
                #expect(answer.codeLength == 24 && answer.suggestions.count == 1)
                for _ in 0..<2 {
                    let key = try #require(HTTPField.Name("idempotency-key"))
                    let sync = try await connection.send(
                        .post, PeerWire.cellSyncPath, headers: [key: "queue-1"], SeedExamples.sync)
                    let answer = try JSONBody.decode(CellMessage.SyncAnswer.self, from: Array(sync.text.utf8))
                    #expect(answer.newLevel == 2.5 && answer.contextProcessed)
                }
            }
            #expect(cell.service.level == 3.2, "the kin writes that itself, and takes nothing of this node's share")
            #expect(cell.node.state.context().isEmpty)
        }
    }

    @Test("What kin say wrong is refused with a reason")
    func refused() async throws {
        try await RunningCell.run { cell in
            let kin = try await cell.node.newKin()
            for (path, body, status) in [
                (PeerWire.cellSyncPath, #"{"level": 11}"#, 422), (PeerWire.cellSyncPath, "{", 400),
                (PeerWire.cellSyncPath, "{}", 400), (PeerWire.cellAssistPath, #"{"code": 1, "action": "a"}"#, 422),
                (PeerWire.cellAssistPath, #"{"code": "", "action": ""}"#, 422),
            ] {
                let reply = try await kin.send(.post, path, body, to: cell.node)
                #expect(reply.status == status)
                let line = try JSONBody.decode(PeerWire.Line.self, from: Array(reply.text.utf8))
                guard case .failure(let failure) = line else {
                    Issue.record("no failure in \(reply.text)")
                    continue
                }
                #expect(!failure.message.isEmpty)
            }
        }
    }

    @Test("A node without the role says so")
    func noRole() async throws {
        try await TestNode.run(engine: nil, peerRoutes: { _ in [CellPeerRoutes(cell: nil)] }) { node in
            let kin = try await node.newKin()
            for (method, path) in [
                (HTTPRequest.Method.get, PeerWire.cellHealthPath), (.post, PeerWire.cellAssistPath),
                (.post, PeerWire.cellSyncPath),
            ] {
                let reply = try await kin.send(method, path, method == .post ? "{}" : nil, to: node)
                #expect(reply.status == 404)
                #expect(reply.text.contains("this node does not have the role cell"))
            }
        }
    }

    @Test("Spoilt requests of kin are answered or refused", arguments: 1...3 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) async throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let samples = [(PeerWire.cellSyncPath, SeedExamples.sync), (PeerWire.cellAssistPath, SeedExamples.assist)]
        let bodies = samples.flatMap { path, sample in
            (0..<60).map { _ in
                (path, String(decoding: Mutations.spoil(Array(sample.utf8), using: &generator), as: UTF8.self))
            }
        }
        try await RunningCell.run { cell in
            let kin = try await cell.node.newKin()
            try await kin.visit(cell.node) { connection in
                for (path, body) in bodies {
                    let status = try await connection.send(.post, path, body).status
                    #expect([200, 400, 422].contains(status), "\(path) \(body)")
                }
            }
        }
    }
}
