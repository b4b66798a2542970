// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Bridge and code", .timeLimit(.minutes(3)))
struct BridgeAssistTests {
    private static let fallback: JSONValue = [
        "action": "analyze", "code_length": 13, "suggestions": ["found here"], "source": "bridge_fallback",
        "status": "degraded",
    ]

    @Test("The cell's answer is passed on with all its keys and whence it came")
    func healthy() async throws {
        try await SeedCell.serve { _, server in
            try await TestBridge.run([server.address]) { bridge in
                try await bridge.become("healthy")
                let reply = try await bridge.assist()
                #expect(reply.status == 200)
                #expect(
                    try reply.json() == [
                        "action": "analyze", "code_length": 13, "context_keys": [], "suggestions": ["fine"],
                        "consciousness_level": 3.2, "model": "added by kith", "source": "desktop_cell",
                    ])
                let asked = try #require(server.requests.last { $0.uri == "/code-assist" })
                #expect(try asked.json() == ["code": "def f(): pass", "action": "analyze"])
            }
        }
    }

    @Test("Without a cell the bridge answers itself, in the shape of a degraded one")
    func degraded() async throws {
        try await TestBridge.run([HTTPAddress(host: "127.0.0.1", port: 1)]) { bridge in
            let reply = try await bridge.assist()
            #expect(reply.status == 200)
            #expect(try reply.json() == Self.fallback)
        }
    }

    @Test(
        "What is no answer is never passed on: the bridge answers itself, and the cell is asked again when it is well",
        arguments: SeedCell.Manner.allCases.filter { ![.well, .hangs, .drips].contains($0) })
    func rubbish(manner: SeedCell.Manner) async throws {
        try await SeedCell.serve(manner) { cell, server in
            try await TestBridge.run([server.address]) { bridge in
                try await bridge.become("healthy")
                let reply = try await bridge.assist()
                #expect(reply.status == 200)
                #expect(try reply.json() == Self.fallback)
                #expect(server.requests.contains { $0.uri == "/code-assist" })
                cell.behave(.well)
                let isBack = try await eventually { try await bridge.assist().json()["source"] == "desktop_cell" }
                #expect(isBack)
            }
        }
    }

    @Test("Another cell is asked when the first answers rubbish")
    func another() async throws {
        try await SeedCell.serve(.html) { _, bad in
            try await SeedCell.serve { _, good in
                try await TestBridge.run([bad.address, good.address]) { bridge in
                    let bothAreUp = try await eventually {
                        try await bridge.health()["upstreams"]?.arrayValue?.allSatisfy { $0["state"] == "up" } == true
                    }
                    #expect(bothAreUp)
                    for _ in 0..<5 { #expect(try await bridge.assist().json()["source"] == "desktop_cell") }
                    #expect(bad.requests.contains { $0.uri == "/code-assist" })
                }
            }
        }
    }

    @Test(
        "Who waits for a cell that dies is answered as soon as that is known",
        arguments: [SeedCell.Manner.hangs, .drips])
    func death(manner: SeedCell.Manner) async throws {
        try await SeedCell.serve(manner) { cell, server in
            try await TestBridge.run([server.address]) { bridge in
                try await bridge.become("healthy")
                let began = ContinuousClock.now
                async let reply = bridge.assist()
                let isAsked = await eventually { server.requests.contains { $0.uri == "/code-assist" } }
                #expect(isAsked)
                cell.setIll(true)
                #expect(try await reply.json() == Self.fallback)
                #expect(ContinuousClock.now - began < .seconds(18))  // the limit for code is 25 s
            }
        }
    }

    @Test("A client that goes away leaves nobody waiting")
    func leaving() async throws {
        try await SeedCell.serve(.hangs) { _, server in
            try await TestBridge.run([server.address]) { bridge in
                try await bridge.become("healthy")
                let asking = Task { try await bridge.assist() }
                let isAsked = await eventually { server.requests.contains { $0.uri == "/code-assist" } }
                #expect(isAsked)
                asking.cancel()
                await server.clientGone()
                _ = await asking.result
            }
        }
    }

    @Test(
        "A body that cannot be used is answered as FastAPI does",
        arguments: [
            ("/code-assist", "{}", "missing", "code"), ("/code-assist", #"{"code": 7}"#, "string_type", "code"),
            ("/code-assist", #"{"code": "x", "context": 7}"#, "dict_type", "context"),
            ("/code-assist", #"{"code": "x", "action": 7}"#, "string_type", "action"),
            ("/sync-consciousness", "{}", "missing", "level"),
            ("/sync-consciousness", #"{"level": "high"}"#, "float_parsing", "level"),
            ("/sync-consciousness", #"{"level": 10.5}"#, "value_error", "level"),
            ("/sync-consciousness", #"{"level": "NaN"}"#, "value_error", "level"),
            ("/sync-consciousness", #"{"level": 1, "context": []}"#, "dict_type", "context"),
        ])
    func unusable(path: String, body: String, type: String, field: String) async throws {
        try await TestBridge.run([]) { bridge in
            let reply = try await bridge.send(.POST, path, body)
            #expect(reply.status == 422)
            let fault = try reply.json()["detail"]?.arrayValue?.first
            #expect(fault?["loc"] == ["body", .string(field)])
            #expect(fault?["type"] == .string(type), "\(reply.text)")
        }
    }

    @Test("A spoilt body is answered or refused, and the bridge goes on", arguments: 1...4 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) async throws {
        print("seed \(seed)")
        try await TestBridge.run([]) { bridge in
            var generator = SeededGenerator(seed: seed)
            let body = Array(
                #"{"code":"x","level":2.5,"context":{"branch":"AIOS-win-0","a":[1,{}]},"action":"analyze"}"#.utf8)
            for path in ["/code-assist", "/sync-consciousness"] {
                for _ in 0..<80 {
                    let spoilt = String(decoding: Mutations.spoil(body, using: &generator), as: UTF8.self)
                    let reply = try await bridge.send(.POST, path, spoilt)
                    #expect([200, 202, 422].contains(reply.status), "\(reply.status) for \(spoilt)")
                    #expect(try reply.status != 422 || reply.json()["detail"] != nil)
                }
            }
        }
    }
}
