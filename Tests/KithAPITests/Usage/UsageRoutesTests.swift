// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithDialects
import KithInference
import Foundation
import KithModel
import KithServer
import KithStore
import KithSurfaceTesting
import NIOHTTP1
import Testing

@Suite(.timeLimit(.minutes(2))) struct UsageRoutesTests {
    private static let completion = #"{"messages":[{"role":"user","content":"one two"}]}"#

    private func bearer(_ key: String) -> HTTPHeaders { ["Authorization": "Bearer \(key)"] }

    private func rows(_ reply: TestReply) throws -> [ControlMessage.Usage] {
        try reply.decode(ControlMessage.UsageList.self).usage
    }

    @Test func `what was used is told by key, model and node; to others only what is their own`() async throws {
        try await TestNode.run("desk", engine: EchoEngine()) { desk in
            try await TestNode.run("laptop", engine: nil, kin: [desk]) { laptop in
                let phone = try await laptop.services.access.keys.create(
                    name: "phone", scopes: [.chat], lifetime: nil, now: .now())
                let key = bearer(phone.text.reveal())
                for _ in 0..<2 {
                    let reply = try await laptop.send(.POST, "/v1/chat/completions", headers: key, Self.completion)
                    #expect(reply.status == 200)
                }
                let vectors = try await laptop.send(.POST, "/v1/embeddings", headers: key, #"{"input":"a b c"}"#)
                #expect(vectors.status == 200)
                #expect(try await laptop.send(.POST, "/v1/chat/completions", Self.completion).status == 200)

                let all = try rows(try await laptop.asOwner().send(.GET, "/api/usage"))
                let own = try #require(all.first { $0.key == phone.record.id })
                #expect(own.name == "phone" && own.node == "desk" && own.model == "echo")
                #expect(own.requests == 3 && own.promptTokens == 7 && own.completionTokens == 4)
                #expect(all.first { $0.key == UsageSubject.local }?.requests == 1)
                #expect(try rows(try await laptop.send(.GET, "/api/usage", headers: key)) == [own])
                #expect(try rows(try await laptop.send(.GET, "/api/usage")).map(\.key) == [UsageSubject.local])
                let others = try await laptop.send(.GET, "/api/usage?key=local", headers: key)
                #expect(others.status == 404)
                let elsewhere = try rows(try await desk.asOwner().send(.GET, "/api/usage"))
                #expect(elsewhere.isEmpty, "counted where it was asked")

                let listed = try await laptop.asOwner().send(.GET, "/api/keys").decode(ControlMessage.Keys.self)
                #expect(listed.keys.first?.tokensToday == 11)
            }
        }
    }

    @Test func `usage is exported as lines, and a name is no formula of a spreadsheet`() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let made = try await node.services.access.keys.create(
                name: #"=HYPERLINK("x"),y"#, scopes: [.chat], lifetime: nil, now: .now())
            let asked = #"{"prompt":"x"}"#
            let answer = try await node.send(.POST, "/v1/completions", headers: bearer(made.text.reveal()), asked)
            #expect(answer.status == 200)
            let reply = try await node.asOwner().send(.GET, "/api/usage?format=csv&days=1")
            #expect(reply.headers.first(name: "content-type") == "text/csv; charset=utf-8")
            let lines = reply.text.components(separatedBy: "\r\n")
            #expect(lines.first == ControlMessage.Usage.csvHeader)
            #expect(lines[1].contains(#","'=HYPERLINK(""x""),y","#))
        }
    }

    @Test(arguments: ["days=0", "days=401", "days=-1", "days=x", "format=xml"])
    func `what cannot be asked for is refused`(query: String) async throws {
        try await TestNode.run(engine: nil) { node in
            let reply = try await node.asOwner().send(.GET, "/api/usage?" + query)
            #expect(reply.status == 422)
        }
    }

    @Test func `a restart forgets nothing of the day`() async throws {
        let store = try Store.inMemory()
        let now = WallTime.now()
        let first = CallerLimits(store: store)
        let key = ClientKeyRecord(
            id: "abcdefgh", name: "k", scopes: [.chat], digest: [], createdAt: now, limits: KeyLimits(tokensPerDay: 10))
        try first.grant(.key(key), tokens: 5).claim.settle(
            RequestUse(model: "m", node: nil, promptTokens: 6, answerTokens: 6))
        try await first.flush()
        let second = try await CallerLimits.load(rates: .init(), store: store, clock: MonotonicClock())
        #expect(second.tokensToday(of: key.id) == 12)
        #expect(throws: LimitRefusal.self) { try second.grant(.key(key), tokens: 5) }
    }

    @Test(
        arguments: [
            #"{"name":"a\nb","scopes":["chat"]}"#, #"{"name":"a","scopes":["chat"],"limits":{"rate":"0/min"}}"#,
            #"{"name":"a","scopes":["chat"],"limits":{"rate":"60"}}"#,
            #"{"name":"a","scopes":["chat"],"limits":{"tokens_per_day":-1}}"#,
            #"{"name":"a","scopes":["chat"],"limits":{"tokens_per_day":1e300}}"#,
            #"{"name":"a","scopes":["chat"],"limits":{"tokens_per_day":9223372036854775807}}"#,
            #"{"name":"a","scopes":["chat"],"limits":{"concurrent":0}}"#,
            #"{"name":"a","scopes":["chat"],"limits":{"priority":"highest"}}"#,
            #"{"name":"a","scopes":["chat"],"limits":{"models":["a\nb"]}}"#,
            #"{"name":"a","scopes":["chat"],"limits":{"models":[""]}}"#,
            #"{"name":"a","scopes":["chat"],"limits":{"addresses":["10.0.0.7/8"]}}"#,
            #"{"name":"a","scopes":["chat"],"limits":{"addresses":["everywhere"]}}"#,
        ])
    func `limits that mean nothing make no key`(body: String) async throws {
        try await TestNode.run(engine: nil) { node in
            let reply = try await node.asOwner().send(.POST, "/api/keys", body)
            #expect([400, 422].contains(reply.status), "\(reply.status) \(reply.text)")
            #expect(try await node.services.access.keys.records().isEmpty)
        }
    }

    @Test func `a key is made with all of its limits, and shown with them`() async throws {
        try await TestNode.run(engine: nil) { node in
            let body = #"""
                {"name":"n","scopes":["chat"],"limits":{"rate":"60/minute","tokens_per_day":5000,"concurrent":2,
                "priority":"batch","models":["m"],"addresses":["10.0.0.0/8"]}}
                """#
            let made = try await node.asOwner().send(.POST, "/api/keys", body)
            #expect(made.status == 201, "\(made.text)")
            let listed = try await node.asOwner().send(.GET, "/api/keys").decode(ControlMessage.Keys.self)
            let limits = listed.keys.first?.limits
            #expect(
                limits
                    == ControlMessage.Limits(
                        rate: "60/min", tokensPerDay: 5_000, concurrent: 2, priority: "batch", models: ["m"],
                        addresses: ["10.0.0.0/8"]))
        }
    }
}
