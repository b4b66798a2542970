// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithInference
import KithModel
import KithServer
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

/// What a key may use at most, on every way on which a prompt can come.
@Suite(.timeLimit(.minutes(2))) struct KeyLimitsTests {
    /// One way to an engine.
    struct Way: CustomTestStringConvertible, Sendable {
        var path: String
        /// The body without its braces; the model is put before it.
        var members: String

        func body(model: String? = nil) -> String {
            "{" + (model.map { #""model":"\#($0)","# } ?? "") + members + "}"
        }

        var testDescription: String { path + (members.contains("stream") ? ", streamed" : "") }
    }

    private static let messages = #""messages":[{"role":"user","content":"hello there"}]"#

    /// The first four come before the framework.
    static let ways = [
        Way(path: "/v1/chat/completions", members: messages),
        Way(path: "/v1/chat/completions", members: messages + #","stream":true"#),
        Way(path: "/v1/messages", members: messages + #","max_tokens":9"#),
        Way(path: "/v1/responses", members: #""input":"hello there","store":false"#),
        Way(path: "/v1/responses", members: #""input":"hello there""#),
        Way(path: "/chat/completions?x=1", members: messages + #","stream":true"#),
        Way(path: "/v1/completions", members: #""prompt":"hello there""#),
        Way(path: "/v1/embeddings", members: #""input":"hello there""#),
        Way(path: "/api/embed", members: #""input":"hello there""#),
        Way(path: "/api/embeddings", members: #""prompt":"hello there""#),
        Way(path: "/api/generate", members: #""prompt":"hello there""#),
        Way(path: "/api/generate", members: #""prompt":"hello there","stream":false,"options":{}"#),
        Way(path: "/api/chat", members: #""message":"hello there""#),
        Way(path: "/api/chat", members: messages + #","stream":false"#),
    ]

    private static let all: Set<Scope> = [.chat, .read]

    private func bearer(_ key: String) -> HTTPHeaders { ["Authorization": "Bearer \(key)"] }

    private func run(
        _ engine: any ChatEngine = EchoEngine(), rates: CallerLimits.Rates = .init(),
        _ body: @Sendable (TestNode) async throws -> Void
    ) async throws {
        try await TestNode.run(engine: engine, access: { .with($0, rates: rates) }, during: body)
    }

    /// What is wrong, in whatever shape the dialect has for it.
    private func words(_ reply: TestReply) throws -> String {
        let error = try reply.json()["error"]
        return error?.stringValue ?? error?["message"]?.stringValue ?? ""
    }

    @Test(arguments: ways)
    func `a model that the key does not name is refused, in the dialect's own shape`(_ way: Way) async throws {
        try await run { node in
            let key = bearer(try await node.key(Self.all, limits: KeyLimits(models: ["small"])))
            let refused = try await node.send(.POST, way.path, headers: key, way.body(model: "echo"))
            #expect(refused.status == 403, "\(refused.text)")
            #expect(try words(refused).contains("small"))
            let own = bearer(try await node.key(Self.all, limits: KeyLimits(models: ["echo:latest"])))
            #expect(try await node.send(.POST, way.path, headers: own, way.body(model: "echo")).status == 200)
            #expect(try await node.send(.POST, way.path, headers: own, way.body()).status == 200)
            let none = try await node.send(.POST, way.path, headers: key, way.body())
            #expect((400..<500).contains(none.status), "nothing else answers for `auto`: \(none.text)")
        }
    }

    @Test(arguments: ways)
    func `a rate holds, and the client is told what is left and when to come back`(_ way: Way) async throws {
        try await run { node in
            let rate = try #require(RequestRate(2, per: .hour))
            let key = bearer(try await node.key(Self.all, limits: KeyLimits(rate: rate)))
            for left in ["1", "0"] {
                let reply = try await node.send(.POST, way.path, headers: key, way.body())
                #expect(reply.status == 200, "\(reply.text)")
                for prefix in ["RateLimit", "X-RateLimit"] {
                    #expect(reply.headers.first(name: prefix + "-Limit") == "2")
                    #expect(reply.headers.first(name: prefix + "-Remaining") == left)
                    #expect(reply.headers.first(name: prefix + "-Reset") != nil)
                }
                #expect(reply.headers.first(name: "RateLimit-Policy") == #""key";q=2;w=3600"#)
            }
            let refused = try await node.send(.POST, way.path, headers: key, way.body())
            #expect(refused.status == 429)
            let wait = try #require(refused.headers.first(name: "retry-after").flatMap { Int($0) })
            #expect((1_700...1_800).contains(wait))
            #expect(refused.headers.first(name: "RateLimit-Remaining") == "0")
            #expect(refused.headers.first(name: "RateLimit-Reset") == String(wait))
            #expect(try !words(refused).isEmpty)
            if way.path.hasPrefix("/v1/chat") {
                #expect(try refused.json()["error"]?["code"] == "rate_limit_exceeded")
                #expect(try refused.json()["error"]?["type"] == "rate_limit_error")
            }
            if way.path == "/v1/messages" { #expect(try refused.json()["error"]?["type"] == "rate_limit_error") }
            let other = bearer(try await node.key(Self.all, limits: KeyLimits(rate: rate)))
            #expect(try await node.send(.POST, way.path, headers: other, way.body()).status == 200)
        }
    }

    @Test(arguments: ways)
    func `a day's tokens are counted by what answers used, and end on every way`(_ way: Way) async throws {
        try await run { node in
            let limits = KeyLimits(tokensPerDay: 1)
            let key = bearer(try await node.key(Self.all, limits: limits))
            #expect(try await node.send(.POST, way.path, headers: key, way.body()).status == 200)
            for other in Self.ways {
                let refused = try await node.send(.POST, other.path, headers: key, other.body())
                #expect(refused.status == 429, "\(other.path) after \(way.path): \(refused.text)")
                #expect(try words(refused).contains("tokens"))
            }
            #expect(try await node.send(.GET, "/v1/models", headers: key).status == 200, "reading costs nothing")
        }
    }

    @Test(arguments: ways)
    func `a key counts only where its addresses say`(_ way: Way) async throws {
        try await run { node in
            let far = KeyLimits(addresses: ["10.0.0.0/8", "2001:db8::/32"].compactMap { AddressRange($0) })
            let near = KeyLimits(addresses: ["127.0.0.0/8"].compactMap { AddressRange($0) })
            let refused = try await node.send(
                .POST, way.path, headers: bearer(try await node.key(Self.all, limits: far)), way.body())
            #expect(refused.status == 403, "\(refused.text)")
            #expect(try words(refused).contains("address"))
            var key = bearer(try await node.key(Self.all, limits: near))
            #expect(try await node.send(.POST, way.path, headers: key, way.body()).status == 200)
            // A proxy of this machine passes on what comes from anywhere.
            key.add(name: "X-Forwarded-For", value: "127.0.0.1")
            #expect(try await node.send(.POST, way.path, headers: key, way.body()).status == 403)
        }
    }

    @Test(arguments: ways)
    func `no more are under way at once than may be, whichever way they came`(_ way: Way) async throws {
        let slow = CountEngine(setup: .init(settings: TestEngineSettings(tokensPerSecond: 10, slots: 8)))
        try await run(slow) { node in
            let key = bearer(try await node.key(Self.all, limits: KeyLimits(concurrent: 1)))
            let long = #"{"stream":true,"max_tokens":5000,"messages":[{"role":"user","content":"x"}]}"#
            let first = Task { try await node.send(.POST, "/v1/chat/completions", headers: key, long) }
            #expect(await eventually { node.services.engine.status().active == 1 })
            let refused = try await node.send(.POST, way.path, headers: key, way.body())
            #expect(refused.status == 429, "\(refused.text)")
            #expect(refused.headers.first(name: "retry-after") == "1")
            first.cancel()
            _ = await first.result
            let body = #"{"max_tokens":1,"messages":[{"role":"user","content":"x"}]}"#
            #expect(
                await eventually {
                    (try? await node.send(.POST, "/v1/chat/completions", headers: key, body).status) == 200
                })
        }
    }

    @Test func `of many that come at once, as many go on as a limit says`() async throws {
        let slow = CountEngine(setup: .init(settings: TestEngineSettings(tokensPerSecond: 200, slots: 64)))
        try await run(slow) { node in
            let rate = try #require(RequestRate(5, per: .day))
            for limits in [KeyLimits(rate: rate), KeyLimits(concurrent: 5)] {
                let key = bearer(try await node.key(Self.all, limits: limits))
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<30 {
                        let way = Self.ways[number.isMultiple(of: 2) ? 0 : 6]
                        group.addTask { try await node.send(.POST, way.path, headers: key, way.body()).status }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                if limits.rate != nil {
                    #expect(statuses.count { $0 == 200 } == 5, "\(statuses)")
                } else {
                    #expect(statuses.contains(429) && statuses.contains(200), "\(statuses)")
                }
                #expect(statuses.allSatisfy { $0 == 200 || $0 == 429 })
            }
        }
    }

    @Test func `an answer whose client leaves counts what was made for it`() async throws {
        let counter = GenerationCounter()
        let slow = CountEngine(
            setup: .init(settings: TestEngineSettings(tokensPerSecond: 50, slots: 2), counter: counter))
        try await run(slow) { node in
            let made = try await node.services.access.keys.create(
                name: "k", scopes: [.chat], lifetime: nil, limits: KeyLimits(tokensPerDay: 100_000), now: .now())
            let long = #"{"stream":true,"max_tokens":5000,"messages":[{"role":"user","content":"x"}]}"#
            for path in ["/v1/chat/completions", "/v1/chat/completions?x=1"] {
                let before = node.services.access.limits.tokensToday(of: made.record.id)
                let told = counter.counts.tokens
                let task = Task { try await node.send(.POST, path, headers: bearer(made.text.reveal()), long) }
                #expect(await eventually { counter.counts.tokens > told + 5 })
                task.cancel()
                _ = await task.result
                #expect(await eventually { node.services.access.limits.tokensToday(of: made.record.id) > before + 1 })
            }
        }
    }

    @Test func `text in the seeds' form is limited by default, in the seed's words, but for programs on this machine`()
        async throws
    {
        let rates = CallerLimits.Rates(generate: RequestRate(1, per: .hour))
        try await run(rates: rates) { node in
            let way = Way(path: "/api/generate", members: #""prompt":"x""#)
            for path in ["/api/generate", "/api/generate/"] {
                let key = bearer(try await node.key([.chat]))
                let first = try await node.send(.POST, path, headers: key, way.body())
                #expect(first.status == 200)
                #expect(first.headers.first(name: "X-RateLimit-Remaining") == "0")
                let second = try await node.send(.POST, way.path, headers: key, way.body())
                #expect(second.status == 429)
                let body = try second.json()
                #expect(body["error"] == "Rate limit exceeded")
                #expect(body["success"] == false)
                #expect(body["limit"] == 1)
                #expect(body["retry_after"]?.intValue.map { (3_500...3_600).contains($0) } == true)
                #expect(second.headers.first(name: "X-RateLimit-Limit") == "1")
                #expect(try await node.send(.POST, "/v1/completions", headers: key, way.body()).status == 200)
            }
            for _ in 0..<3 { #expect(try await node.send(.POST, way.path, way.body()).status == 200) }
            let owned = bearer(try await node.key([.chat], limits: KeyLimits(rate: RequestRate(3, per: .hour))))
            for _ in 0..<3 { #expect(try await node.send(.POST, way.path, headers: owned, way.body()).status == 200) }
        }
    }

    @Test(arguments: ways)
    func `a key is shown in any of three fields, and two different keys are refused`(_ way: Way) async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            let (key, other) = (try await node.key(Self.all), try await node.key(Self.all))
            for name in ["X-API-Key", "api-key"] {
                #expect(try await node.send(.POST, way.path, headers: [name: key], way.body()).status == 200)
            }
            let same: HTTPHeaders = ["Authorization": "Bearer \(key)", "api-key": key, "X-API-Key": key]
            #expect(try await node.send(.POST, way.path, headers: same, way.body()).status == 200)
            let word: HTTPHeaders = ["Authorization": "Bearer unused", "api-key": key]
            #expect(try await node.send(.POST, way.path, headers: word, way.body()).status == 200)
            for pair in [
                ["Authorization": "Bearer \(key)", "X-API-Key": other], ["api-key": other, "X-API-Key": key],
                ["Authorization": "Bearer \(key)", "api-key": other],
            ] as [HTTPHeaders] {
                let refused = try await node.send(.POST, way.path, headers: pair, way.body())
                #expect(refused.status == 401)
                #expect(try words(refused).contains("two different keys"))
            }
        }
    }

    @Test(arguments: ways)
    func `a client may ask for a lower priority, and no other word`(_ way: Way) async throws {
        try await run { node in
            for word in ["batch", "interactive", "Batch"] {
                let headers: HTTPHeaders = ["x-kith-priority": word]
                #expect(try await node.send(.POST, way.path, headers: headers, way.body()).status == 200)
            }
            let wrong = try await node.send(.POST, way.path, headers: ["x-kith-priority": "highest"], way.body())
            #expect([400, 422].contains(wrong.status))
            #expect(try words(wrong).contains("x-kith-priority"))
        }
    }

    @Test func `a client cannot raise the priority of its key`() async throws {
        let limits = CallerLimits()
        let key = ClientKeyRecord(
            id: "abcdefgh", name: "", scopes: [.chat], digest: [], createdAt: .epoch,
            limits: KeyLimits(priority: .batch))
        #expect(try limits.grant(.key(key), wish: .interactive).priority == .batch)
        #expect(try limits.grant(.key(key)).priority == .batch)
        #expect(try limits.grant(.local, wish: .batch).priority == .batch)
        #expect(try limits.grant(.local).priority == .interactive)
    }

    @Test func `who may ask for some models is shown these`() async throws {
        try await run { node in
            let key = bearer(try await node.key(Self.all, limits: KeyLimits(models: ["small"])))
            let listed = try await node.send(.GET, "/v1/models", headers: key).json()["data"]?.arrayValue
            #expect(listed?.compactMap { $0["id"]?.stringValue } == ["auto"])
            #expect(try await node.send(.GET, "/v1/models/echo", headers: key).status == 404)
            #expect(try await node.send(.GET, "/api/tags", headers: key).text.contains("echo") == false)
            #expect(try await node.send(.POST, "/api/show", headers: key, #"{"model":"echo"}"#).status == 404)
        }
    }
}
