// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithDialects
import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Explained and recent routes", .timeLimit(.minutes(2)))
struct RoutingRoutesTests {
    private static let question = #"{"messages":[{"role":"user","content":"tell nobody of the heron"}]}"#

    private func explain(_ node: TestNode, headers: HTTPHeaders = [:], _ body: String = question) async throws
        -> RouteMessage.Explanation
    {
        let reply = try await node.send(.POST, "/api/routes/explain", headers: headers, body)
        #expect(reply.status == 200, "\(reply.text)")
        return try reply.decode(RouteMessage.Explanation.self)
    }

    @Test("The decision is shown with every candidate's estimate and every skipped node's reason, and nobody is asked")
    func whole() async throws {
        let counter = GenerationCounter()
        try await TestNode.run("desk", engine: EchoEngine(setup: .init(counter: counter))) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                let found = try await explain(laptop)
                #expect(found.node == "desk")
                #expect(found.model == "echo")
                #expect(found.reason == "only-candidate")
                #expect(found.refusal == nil)
                #expect(found.promptTokens > 4)
                #expect(found.candidates.map(\.node) == ["desk"])
                let estimate = try #require(found.candidates.first?.estimate)
                #expect(estimate.slots == 4)
                #expect(estimate.outstanding == 0)
                #expect(estimate.level == 1)
                #expect(estimate.breaker == "closed")
                #expect(found.skipped == [.init(node: "laptop", reason: "no-engine")])
                #expect(counter.counts == .init())
            }
        }
    }

    @Test("What was learned of an engine shows, and a pin is heeded")
    func learned() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: EchoEngine(), kin: [desk]) { laptop in
                _ = try await laptop.send(
                    .POST, "/v1/chat/completions", headers: ["x-kith-node": "desk"], Self.question)
                let found = try await explain(laptop, headers: ["x-kith-node": "desk"])
                #expect(found.node == "desk")
                #expect(found.reason == "pinned")
                #expect(found.candidates.first?.estimate.tokensPerSecond != nil)
                #expect(found.skipped == [.init(node: "laptop", reason: "pinned-elsewhere")])
            }
        }
    }

    @Test("When nobody can be asked the answer says what the client would be told")
    func nobody() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let unknown = try await explain(
                node, #"{"model":"gone","messages":[{"role":"user","content":"x"}]}"#)
            #expect(unknown.node == nil)
            #expect(unknown.asked == "gone")
            #expect(unknown.refusal?.contains("'gone' not found") == true)
            #expect(unknown.candidates.isEmpty)
            let nowhere = try await explain(node, headers: ["x-kith-node": "attic"])
            #expect(nowhere.refusal?.contains("attic") == true)
        }
    }

    @Test(
        "What is no request is refused as the owner's routes refuse",
        arguments: [
            ("{", 400), ("[]", 400), ("{}", 400), (#"{"messages":[]}"#, 400), (#"{"messages":3}"#, 422),
        ])
    func malformed(body: String, status: Int) async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.POST, "/api/routes/explain", body)
            #expect(reply.status == status, "\(reply.text)")
            #expect(try reply.json()["error"]?["message"]?.stringValue?.isEmpty == false)
        }
    }

    @Test("Spoilt requests are answered or refused", arguments: 1...3 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) async throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let bodies = (0..<100).map { _ in
            String(decoding: Mutations.spoil(Array(Self.question.utf8), using: &generator), as: UTF8.self)
        }
        try await TestNode.run(engine: EchoEngine()) { node in
            for body in bodies {
                let status = try await node.send(.POST, "/api/routes/explain", body).status
                #expect([200, 400, 422].contains(status), "\(body)")
            }
        }
    }

    private func record(_ number: Int, outcome: RouteRecord.Outcome = .completed) throws -> RouteRecord {
        let ids = try [1, 2].map { try #require(NodeID(digest: [UInt8](repeating: $0, count: 32))) }
        let desk = Candidate(node: ids[0], name: try #require(NodeName("desk")), model: "echo")
        let phone = Candidate(node: ids[1], name: try #require(NodeName("phone")), model: "other")
        let skipped = RouteDecision.Skip(phone, .modelAbsent)
        return RouteRecord(
            id: RequestID(rawValue: "r\(number)"), at: .now(), asked: "echo",
            route: RouteReport(candidate: desk, reason: .shortestWait, skipped: [skipped]),
            continuations: [.init(candidate: phone, failure: .interrupted, tokens: 7, gap: .milliseconds(31))],
            outcome: outcome, firstToken: .milliseconds(100), duration: .milliseconds(1_100),
            usage: TokenUsage(promptTokens: 3, completionTokens: 21))
    }

    @Test("The last requests are listed, the newest first, with where they went and what they took")
    func recent() async throws {
        try await TestNode.run("desk", engine: nil) { node in
            let journal = node.services.dispatcher.journal
            for number in 1...3 { journal.note(try record(number)) }
            journal.note(try record(4, outcome: .failed(.deadlineExceeded)))
            journal.note(try record(5, outcome: .abandoned))
            let all = try await node.send(.GET, "/api/routes/recent").decode(RouteMessage.Recent.self).requests
            #expect(all.map(\.id) == ["r5", "r4", "r3", "r2", "r1"])
            #expect(all.map(\.outcome) == [.abandoned, .failed, .completed, .completed, .completed])
            #expect(all[1].failure == "deadline_exceeded")
            let last = all[4]
            #expect(last.node == "desk")
            #expect(last.asked == "echo")
            #expect(last.reason == "shortest-wait")
            #expect(last.skipped == [.init(node: "phone", reason: "model-absent")])
            #expect(
                last.continuations == [
                    .init(node: "phone", model: "other", afterTokens: 7, reason: "interrupted", gapMilliseconds: 31)
                ])
            #expect(last.firstTokenMilliseconds == 100)
            #expect(last.durationMilliseconds == 1_100)
            #expect(last.usage?.completionTokens == 21)
            #expect(last.tokensPerSecond == 20)
            let two = try await node.send(.GET, "/api/routes/recent?limit=2").decode(RouteMessage.Recent.self).requests
            #expect(two.map(\.id) == ["r5", "r4"])
        }
    }

    @Test("Each answer is listed with who gave it, in pieces or in one")
    func answered() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            for body in [
                Self.question, #"{"stream":true,"messages":[{"role":"user","content":"a heron"}]}"#,
                #"{"model":"gone","messages":[{"role":"user","content":"a heron"}]}"#,
            ] {
                _ = try await desk.send(.POST, "/v1/chat/completions", body)
            }
            _ = try await desk.send(.POST, "/api/generate", #"{"prompt":"a heron"}"#)
            let reply = try await desk.send(.GET, "/api/routes/recent")
            let requests = try reply.decode(RouteMessage.Recent.self).requests
            #expect(requests.map(\.outcome) == [.completed, .failed, .completed, .completed])
            #expect(requests.map(\.node) == ["desk", nil, "desk", "desk"])
            #expect(requests.map(\.failure) == [nil, "model_not_found", nil, nil])
            #expect(requests.map(\.usage?.completionTokens) == [2, nil, 2, 5])
            #expect(!reply.text.contains("heron"))
        }
    }

    @Test("A number of requests that cannot be meant is refused", arguments: ["0", "-1", "257", "x", "1e3", ""])
    func limits(text: String) async throws {
        try await TestNode.run(engine: nil) { node in
            let reply = try await node.send(.GET, "/api/routes/recent?limit=\(text)")
            #expect(reply.status == 422)
            #expect(reply.text.contains("from 1 to 256"))
        }
    }

    @Test("Whoever follows events of routes is told of each request; nothing is made for anybody else")
    func events() async throws {
        try await TestNode.run("desk", engine: nil) { node in
            let hub = node.services.events
            #expect(!hub.hasFollowers(of: .route))
            let others = hub.follow([.level])
            #expect(!hub.hasFollowers(of: .route))
            var events = try #require(hub.follow([.route])).makeAsyncIterator()
            #expect(hub.hasFollowers(of: .route))
            node.services.dispatcher.journal.note(try record(1))
            hub.publish(NodeEvent(.level, [:]))
            node.services.dispatcher.journal.note(try record(2))
            let (first, second) = (await events.next()?.event, await events.next()?.event)
            #expect(first?.kind == .route)
            #expect(first?.fields["id"] == "r1")
            #expect(first?.fields["node"] == "desk")
            #expect(first?.fields["continuations"]?.arrayValue?.first?["after_tokens"] == 7)
            #expect(second?.fields["id"] == "r2")
            withExtendedLifetime(others) {}
        }
    }
}
