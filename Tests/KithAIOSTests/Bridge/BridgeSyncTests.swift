// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Synchronization
import Testing

@Suite("Bridge and levels", .timeLimit(.minutes(3)))
struct BridgeSyncTests {
    /// As printed in the seeds' guide.
    private static let guide = """
        {"level": 2.5, "context": {"branch": "AIOS-win-0", "timestamp": "2025-11-28T08:36:42+01:00",
         "source": "vscode-agent-laptop"}}
        """

    @Test("The cell gets the level, the context and who says it, and its answer is passed on")
    func healthy() async throws {
        try await SeedCell.serve { _, server in
            try await TestBridge.run([server.address]) { bridge in
                try await bridge.become("healthy")
                let reply = try await bridge.send(.POST, "/sync-consciousness", Self.guide)
                #expect(reply.status == 200)
                #expect(try reply.json() == ["old_level": 3.2, "new_level": 2.5, "context_processed": true])
                let asked = try #require(server.requests.last { $0.uri == "/sync-consciousness" })
                #expect(
                    try asked.json() == [
                        "level": 2.5, "source": "vscode-agent-laptop",
                        "context": [
                            "branch": "AIOS-win-0", "timestamp": "2025-11-28T08:36:42+01:00",
                            "source": "vscode-agent-laptop",
                        ],
                    ])
            }
        }
    }

    @Test("No context is an empty one, and a source of its own goes before the usual one")
    func defaults() async throws {
        try await SeedCell.serve { _, server in
            try await TestBridge.run([server.address]) { bridge in
                try await bridge.become("healthy")
                _ = try await bridge.send(.POST, "/sync-consciousness", #"{"level": "2.5", "context": null}"#)
                _ = try await bridge.send(.POST, "/sync-consciousness", #"{"level": 1, "source": "emacs"}"#)
                let asked = try server.requests.filter { $0.uri == "/sync-consciousness" }.map { try $0.json() }
                #expect(
                    asked == [
                        ["level": 2.5, "context": [:], "source": "vscode-agent-laptop"],
                        ["level": 1, "context": [:], "source": "emacs"],
                    ])
            }
        }
    }

    @Test("Without the cell writes are kept, and arrive once and in order when it is there")
    func storeAndForward() async throws {
        let cell = SeedCell()
        cell.setIll(true)
        cell.behave(.errorPage)
        try await StubServer.serve {
            try await cell.respond(to: $0, $1)
        } during: { server in
            try await TestBridge.run([server.address]) { bridge in
                let levels = (1...20).map { Double($0) / 4 }
                var old = 1.8
                for level in levels {
                    let reply = try await bridge.sync(level)
                    #expect(reply.status == 202)
                    let kept: JSONValue = [
                        "old_level": .number(old), "new_level": .number(level), "context_processed": true,
                        "queued": true, "status": "degraded",
                    ]
                    #expect(try reply.json() == kept.normalised)
                    old = level
                }
                #expect(try await bridge.health()["queued"] == 20)
                cell.behave(.well)
                cell.setIll(false)
                let isEmpty = try await eventually { try await bridge.health()["queued"] == 0 }
                #expect(isEmpty)
                #expect(cell.levels == levels)
                #expect(Set(cell.keys.compactMap { $0 }).count == levels.count)
                #expect(try await bridge.sync(7).status == 200)
                #expect(try await bridge.send(.GET, "/metrics").text.contains("kith_bridge_replayed_writes_total 20"))
            }
        }
    }

    @Test("What waits outlives the bridge")
    func restart() async throws {
        let store = try Store.inMemory()
        let nowhere = HTTPAddress(host: "127.0.0.1", port: 1)
        try await TestBridge.run([nowhere], store: store) { bridge in
            for level in 1...3 {
                let reply = try await bridge.sync(Double(level))
                #expect(reply.status == 202)
            }
        }
        try await SeedCell.serve { cell, server in
            try await TestBridge.run([server.address], store: store) { bridge in
                let isThere = await eventually { cell.levels.count == 3 }
                #expect(isThere)
                #expect(cell.levels == [1, 2, 3])
            }
        }
    }

    @Test(
        "A write whose answer did not come is kept with its key, and an earlier one is never overtaken",
        arguments: SeedCell.Manner.allCases.filter { $0 != .well })
    func uncertain(manner: SeedCell.Manner) async throws {
        try await SeedCell.serve(manner) { cell, server in
            try await TestBridge.run([server.address]) { bridge in
                try await bridge.become("healthy")
                let began = ContinuousClock.now
                #expect(try await bridge.sync(2.5, headers: ["Idempotency-Key": "first"]).status == 202)
                #expect(ContinuousClock.now - began < .seconds(20))  // the limit is 3 s
                #expect(try await bridge.sync(3.5).status == 202)
                let tried = server.requests.filter { $0.uri == "/sync-consciousness" }
                #expect(tried.allSatisfy { $0[header: "idempotency-key"] == "first" })
                cell.behave(.well)
                let isThere = await eventually { cell.levels.count == 2 }
                #expect(isThere)
                #expect(cell.levels == [2.5, 3.5])
                #expect(cell.keys.first == "first")
            }
        }
    }

    @Test("A write that the cell refuses is told to be refused, and one that waited does not hold up the rest")
    func refused() async throws {
        let cell = SeedCell()
        try await StubServer.serve {
            try await cell.respond(to: $0, $1)
        } during: { server in
            try await TestBridge.run([server.address]) { bridge in
                try await bridge.become("healthy")
                let reply = try await bridge.sync(9.75)
                #expect(reply.status == 422)
                #expect(try reply.json()["detail"]?.stringValue?.contains("no such level") == true)
                cell.behave(.errorPage)
                cell.setIll(true)
                try await bridge.become("degraded")
                for level in [1, 9.75, 2] { #expect(try await bridge.sync(level).status == 202) }
                cell.behave(.well)
                cell.setIll(false)
                let isEmpty = try await eventually { try await bridge.health()["queued"] == 0 }
                #expect(isEmpty)
                #expect(cell.levels == [1, 2])
                #expect(try await bridge.send(.GET, "/metrics").text.contains("kith_bridge_dropped_writes_total 1"))
            }
        }
    }

    @Test("More than a thousand writes are not kept, and the client is told")
    func full() async throws {
        try await TestBridge.run([HTTPAddress(host: "127.0.0.1", port: 1)]) { bridge in
            for number in 0..<1_000 {
                guard let key = DeliveryKey("\(number)") else { continue }
                try await bridge.store.enqueue(
                    QueuedWrite(upstream: "cell", deliveryKey: key, body: [1], queuedAt: .now()), limit: 1_000)
            }
            let reply = try await bridge.sync(1)
            #expect(reply.status == 507)
            #expect(try reply.json()["detail"]?.stringValue?.contains("1000") == true)
        }
    }

    @Test("With nobody to stand for, a write goes into the state that kin share")
    func sharedState() async throws {
        try await TestBridge.run([]) { bridge in
            let reply = try await bridge.send(.POST, "/sync-consciousness", Self.guide)
            #expect(reply.status == 202)
            #expect(try reply.json()["old_level"] == 1.8)
            let source = StateSource.named("vscode-agent-laptop")
            // Accepted is not written yet.
            let isWritten = try await eventually {
                let waiting = try await bridge.health()["queued"]
                return waiting == 0 && bridge.state.level(of: source) != nil
            }
            #expect(isWritten)
            #expect(bridge.state.levels().map(\.source) == [source])
            #expect(bridge.state.level(of: source)?.level == 2.5)
            #expect(bridge.state.context().map(\.key) == ["branch", "timestamp"])
            #expect(bridge.state.context().first?.values.map(\.value) == ["AIOS-win-0"])
        }
    }
}

extension JSONValue {
    /// Whole numbers as integers, as they come over the wire.
    var normalised: JSONValue {
        switch self {
        case .number(let number): Int64(exactly: number).map { .integer($0) } ?? self
        case .object(let members): .object(members.mapValues(\.normalised))
        case .array(let elements): .array(elements.map(\.normalised))
        default: self
        }
    }
}
