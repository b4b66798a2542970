// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithAPI
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Deadlines of clients", .timeLimit(.minutes(2)))
struct DeadlineHeaderTests {
    private static let long = #"{"max_tokens":5000,"messages":[{"role":"user","content":"x"}]}"#
    private static let streamed = #"{"stream":true,"max_tokens":5000,"messages":[{"role":"user","content":"x"}]}"#

    /// Every surface that an engine answers at.
    private static let surfaces = [
        ("/v1/chat/completions", long), ("/v1/chat/completions", streamed),
        ("/v1/completions", #"{"prompt":"x","max_tokens":5000}"#), ("/v1/embeddings", #"{"input":"x"}"#),
        ("/api/generate", #"{"prompt":"x","max_tokens":5000}"#), ("/api/chat", #"{"message":"x"}"#),
    ]

    /// Twenty tokens a second.
    private static func slow(_ counter: GenerationCounter, firstToken: Duration = .zero) -> CountEngine {
        CountEngine(
            setup: .init(
                settings: TestEngineSettings(tokensPerSecond: 20, firstTokenDelay: firstToken), counter: counter))
    }

    private func expectStopped(_ counter: GenerationCounter) async {
        #expect(await eventually { counter.counts.active == 0 && counter.counts.cancelled > 0 })
    }

    @Test("A header that is no time is named in a 400, on every surface", arguments: surfaces)
    func malformed(path: String, body: String) async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for value in ["soon", "0", "-1", "1e9", "86401"] {
                let reply = try await node.send(.POST, path, headers: ["x-kith-timeout": value], body)
                #expect(reply.status == 400, "\(value) at \(path)")
                #expect(reply.text.contains("'x-kith-timeout'"))
            }
            let reply = try await node.send(.POST, path, headers: ["x-kith-timeout": "20.5"], body)
            #expect(reply.status == 200, "\(reply.text)")
        }
    }

    @Test(
        "A plain answer that is not whole in time is a 504 that says whom it was asked of, and the engine stops",
        arguments: ["/v1/chat/completions", "/v1/completions", "/api/generate", "/api/chat"])
    func plain(path: String) async throws {
        let counter = GenerationCounter()
        try await TestNode.run("desk", engine: Self.slow(counter)) { node in
            let body = #"{"prompt":"x","message":"x","max_tokens":5000,"messages":[{"role":"user","content":"x"}]}"#
            let reply = try await node.send(.POST, path, headers: ["x-kith-timeout": "0.2"], body)
            #expect(reply.status == 504, "\(reply.text)")
            #expect(reply.text.contains("deadline"))
            #expect(reply.headers.first(name: "x-kith-route")?.hasPrefix("node=desk;") == true)
            await expectStopped(counter)
        }
    }

    @Test("A stream breaks off with an explicit error, through a kin too, and the kin's engine stops")
    func stream() async throws {
        let counter = GenerationCounter()
        try await TestNode.run("desk", engine: Self.slow(counter)) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                for node in [desk, laptop] {
                    let reply = try await node.send(
                        .POST, "/v1/chat/completions", headers: ["x-kith-timeout": "0.4"], Self.streamed)
                    #expect(reply.status == 200)
                    #expect(reply.text.contains(#""content":"1""#))
                    #expect(reply.text.contains(#""code":"deadline_exceeded""#))
                    #expect(!reply.text.contains("[DONE]"))
                    await expectStopped(counter)
                }
            }
        }
    }

    @Test("A kin that has said nothing yet is not waited for, and nothing is held against it")
    func silentKin() async throws {
        let counter = GenerationCounter()
        try await TestNode.run("desk", engine: Self.slow(counter, firstToken: .seconds(60))) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                for number in 1...8 {
                    let reply = try await laptop.send(
                        .POST, "/v1/chat/completions", headers: ["x-kith-timeout": "0.05"],
                        number.isMultiple(of: 2) ? Self.long : Self.streamed)
                    #expect(reply.status == 504)
                    #expect(try reply.json()["error"]?["code"] == "deadline_exceeded")
                    #expect(reply.headers.first(name: "x-kith-route")?.hasPrefix("node=desk;") == true)
                }
                let explained = try await laptop.send(.POST, "/api/routes/explain", Self.long)
                    .decode(RouteMessage.Explanation.self)
                #expect(explained.node == "desk")
                #expect(explained.candidates.first?.estimate.breaker == "closed")
                #expect(explained.candidates.first?.estimate.penaltyMilliseconds == 0)
                await expectStopped(counter)
            }
        }
    }

    @Test("A kin stops by itself at the time that it was told")
    func toldKin() async throws {
        let counter = GenerationCounter()
        try await TestNode.run("desk", engine: Self.slow(counter)) { desk in
            let visitor = try await desk.newKin()
            let request = try KinQuestion.encode(
                ChatRequest(
                    messages: [ChatMessage(.user, "x")], sampling: SamplingOptions(maxTokens: 5_000)))
            let body = String(decoding: request, as: UTF8.self)
            let timeLeft = try #require(HTTPField.Name(PeerWire.timeLeftHeader))
            let reply = try await visitor.visit(desk) { connection in
                try await connection.send(.post, PeerWire.generatePath, headers: [timeLeft: "300"], body)
            }
            #expect(reply.status == 200)
            #expect(reply.text.contains("deadlineExceeded"))
            await expectStopped(counter)
            for value in ["0", "-1", "soon", "86400001"] {
                let refused = try await visitor.visit(desk) { connection in
                    try await connection.send(.post, PeerWire.generatePath, headers: [timeLeft: value], body)
                }
                #expect(refused.status == 400)
            }
        }
    }

    @Test("Whoever waits in the queue until its deadline leaves it")
    func queued() async throws {
        let counter = GenerationCounter()
        let engine = CountEngine(
            setup: .init(settings: TestEngineSettings(tokensPerSecond: 20, slots: 1), counter: counter))
        try await TestNode.run("desk", engine: engine) { desk in
            let first = Task { try await desk.send(.POST, "/v1/chat/completions", Self.long) }
            #expect(await eventually { desk.services.engine.status().active == 1 })
            let second = try await desk.send(
                .POST, "/v1/chat/completions", headers: ["x-kith-timeout": "0.1"], Self.long)
            #expect(second.status == 504)
            #expect(await eventually { desk.services.engine.status().queued == 0 })
            first.cancel()
            _ = await first.result
        }
    }
}
