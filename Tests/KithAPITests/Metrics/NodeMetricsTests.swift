// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithInference
import KithModel
import KithServer
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("What monitors read of a node", .timeLimit(.minutes(2)))
struct NodeMetricsTests {
    private static let question = #"{"messages":[{"role":"user","content":"one two three"}]}"#
    private static let streamed = #"{"stream":true,"messages":[{"role":"user","content":"one two three"}]}"#

    /// The value of the line that begins so.
    private func value(_ start: String, in text: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix(start + " ") }
            .flatMap { $0.split(separator: " ").last }.flatMap { Double($0) }
    }

    @Test("Requests are counted whichever way they are answered, and prompts once where they went")
    func counted() async throws {
        try await TestNode.run("desk", engine: CountEngine()) { node in
            for body in [Self.question, Self.streamed] {
                #expect(try await node.send(.POST, "/v1/chat/completions", body).status == 200)
                #expect(
                    try await node.send(
                        .POST, "/v1/chat/completions", headers: ["Origin": "http://localhost"], body
                    ).status == 403)
            }
            #expect(try await node.send(.POST, "/v1/chat/completions", "{}").status == 400)
            #expect(try await node.send(.GET, "/nowhere").status == 404)
            let text = try await node.send(.GET, "/metrics").text
            func requests(_ route: String, _ outcome: String) -> Double? {
                value(#"kith_requests_total{role="node",route="\#(route)",outcome="\#(outcome)"}"#, in: text)
            }
            #expect(requests("/v1/chat/completions", "ok") == 2)
            #expect(requests("/v1/chat/completions", "refused") == 3)
            #expect(requests("other", "refused") == 1)
            #expect(
                value(#"kith_request_duration_seconds_count{role="node",route="/v1/chat/completions"}"#, in: text) == 5)
            #expect(value(#"kith_answers_total{node="desk",model="count",outcome="completed"}"#, in: text) == 2)
            #expect(value(#"kith_time_to_first_token_seconds_count{node="desk",model="count"}"#, in: text) == 2)
            #expect(
                value(#"kith_route_decisions_total{node="desk",model="count",reason="only-candidate"}"#, in: text) == 2)
            #expect(
                try #require(value(#"kith_tokens_total{node="desk",model="count",kind="completion"}"#, in: text)) > 0)
            #expect(value(#"kith_breaker_state{node="desk",model="count"}"#, in: text) == 0)
            #expect(value(#"kith_engine_up{kind="count"}"#, in: text) == 1)
            #expect(value(#"kith_build_info{version="test"}"#, in: text) == 1)
            #expect(value("kith_degraded", in: text) == 0)
        }
    }

    @Test("OpenMetrics names the request that took so long")
    func exemplars() async throws {
        try await TestNode.run("desk", engine: CountEngine()) { node in
            _ = try await node.send(.POST, "/v1/chat/completions", Self.question)
            let reply = try await node.send(
                .GET, "/metrics", headers: ["Accept": "application/openmetrics-text; version=1.0.0"])
            #expect(reply.headers.first(name: "content-type")?.hasPrefix("application/openmetrics-text") == true)
            #expect(reply.text.hasSuffix("# EOF\n"))
            let id = try #require(node.services.dispatcher.journal.recent().first?.id.rawValue)
            for metric in ["kith_time_to_first_token_seconds_bucket", "kith_request_duration_seconds_bucket"] {
                #expect(
                    reply.text.split(separator: "\n").contains {
                        $0.hasPrefix(metric) && $0.contains("# {request_id=\"\(id)\"}")
                    }, "\(metric)")
            }
        }
    }

    @Test("Kin are told with their state, round trip, lag and clock; requests of a key by its name")
    func kin() async throws {
        try await TestNode.run("desk", engine: CountEngine()) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                let key = try await laptop.key([.chat, .read])
                for body in [Self.question, "{}"] {
                    _ = try await laptop.send(
                        .POST, "/v1/chat/completions", headers: ["Authorization": "Bearer \(key)"], body)
                }
                var vitals = await laptop.services.vitals.vitals()
                while vitals.peers.first?.clockOffset == nil || vitals.peers.first?.syncLag == nil {
                    try await Task.sleep(for: .milliseconds(5))
                    vitals = await laptop.services.vitals.vitals()
                }
                #expect(vitals.peers.map(\.name.rawValue) == ["desk"])
                #expect(vitals.peers.first?.state == "up")
                #expect(abs(try #require(vitals.peers.first?.clockOffset).seconds) < 2)
                #expect(vitals.engine.health == .none)
                #expect(vitals.answers.completed == 1)
                #expect(vitals.answers.firstToken.total == 1)
                #expect(vitals.degraded == nil)
                let text = try await laptop.send(.GET, "/metrics").text
                let id = try #require(try await laptop.services.access.keys.records().first).id
                #expect(value(#"kith_key_requests_total{key="\#(id)"}"#, in: text) == 2)
                #expect(value(#"kith_peer_up{peer="desk",tier="kin"}"#, in: text) == 1)
                #expect(value(#"kith_members{state="up"}"#, in: text) == 1)
                #expect(text.contains(#"kith_peer_round_trip_seconds{peer="desk"}"#))
                #expect(text.contains(#"kith_sync_lag_seconds{peer="desk"}"#))
                #expect(text.contains(#"kith_peer_clock_offset_seconds{peer="desk"}"#))
                #expect(try #require(value("kith_probe_round_trip_seconds_count", in: text)) > 0)
                #expect(value(#"kith_answers_total{node="desk",model="count",outcome="completed"}"#, in: text) == 1)
            }
        }
    }

    @Test("It takes the scope to read")
    func scope() async throws {
        try await TestNode.run("desk", engine: nil, access: { .with($0, requiresKey: true) }) { node in
            #expect(try await node.send(.GET, "/metrics").status == 401)
            let (chat, read) = (try await node.key([.chat]), try await node.key([.read]))
            #expect(try await node.send(.GET, "/metrics", headers: ["X-API-Key": chat]).status == 403)
            #expect(try await node.send(.GET, "/metrics", headers: ["X-API-Key": read]).status == 200)
        }
    }

    @Test("An engine that fails is told of, and its breaker opens")
    func failures() async throws {
        let failure = ChatError(.engineError, "out of order")
        try await TestNode.run("desk", engine: BreakingEngine(words: 0, failure: failure)) { node in
            for _ in 0..<6 { _ = try await node.send(.POST, "/v1/chat/completions", Self.question) }
            let vitals = await node.services.vitals.vitals()
            let text = try await node.send(.GET, "/metrics").text
            #expect(vitals.answers.completed == 0)
            #expect(vitals.answers.failed == 6, "\(text)")
            #expect(value(#"kith_breaker_state{node="desk",model="echo"}"#, in: text) == 2)
        }
    }

    @Test("An answer that breaks off, and that nobody goes on with, is told of")
    func brokenOff() async throws {
        try await TestNode.run("desk", engine: BreakingEngine(words: 2)) { node in
            _ = try await node.send(
                .POST, "/v1/chat/completions", headers: ["x-kith-continue": "off"], Self.streamed)
            let text = try await node.send(.GET, "/metrics").text
            #expect(value(#"kith_continuations_total{outcome="failed"}"#, in: text) == 1, "\(text)")
            #expect(await node.services.vitals.vitals().answers.continuationsFailed == 1)
        }
    }
}
