// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithInference
import KithModel
import KithServer
import KithStore
import KithSurfaceTesting
import NIOHTTP1
import Testing

@Suite("Access to the surfaces", .timeLimit(.minutes(2)))
struct SurfaceAccessTests {
    private static let completion = #"{"messages":[{"role":"user","content":"hello"}]}"#
    private static let both = #"{"prompt":"hello","messages":[{"role":"user","content":"hello"}]}"#
    private static let message = #"{"max_tokens":9,"messages":[{"role":"user","content":"hello"}]}"#
    private static let streamed = #"{"stream":true,"messages":[{"role":"user","content":"hello"}]}"#

    private static let response = #"{"input":"hello"}"#

    /// Every surface with what it takes to get an answer from it.
    private static let routes: [(HTTPMethod, String, String?, Scope)] = [
        (.POST, "/v1/chat/completions", completion, .chat), (.POST, "/v1/chat/completions", streamed, .chat),
        (.POST, "/v1/completions", #"{"prompt":"hello"}"#, .chat), (.POST, "/v1/embeddings", #"{"input":"x"}"#, .chat),
        (.GET, "/v1/models", nil, .chat), (.GET, "/v1/models/echo", nil, .chat),
        (.POST, "/v1/responses", response, .chat), (.POST, "/responses", response, .chat),
        (.POST, "/v1/messages", message, .chat), (.POST, "/v1/messages/count_tokens", message, .chat),
        (.POST, "/api/generate", #"{"prompt":"hello"}"#, .chat),
        (.POST, "/api/generate", #"{"prompt":"hello"}"#, .peer),
        (.POST, "/api/chat", #"{"message":"hello"}"#, .chat), (.POST, "/api/chat", completion, .chat),
        (.GET, "/api/tags", nil, .chat), (.GET, "/api/ps", nil, .chat), (.GET, "/api/version", nil, .chat),
        (.POST, "/api/show", #"{"model":"echo"}"#, .chat), (.POST, "/api/embed", #"{"input":"x"}"#, .chat),
        (.POST, "/api/embeddings", #"{"prompt":"x"}"#, .chat), (.POST, "/api/pull", #"{"model":"echo"}"#, .chat),
        (.POST, "/api/feedback", #"{"score":1}"#, .chat),
        (.GET, "/api/state", nil, .read), (.GET, "/api/status", nil, .read), (.GET, "/health/ready", nil, .read),
        (.POST, "/api/routes/explain", completion, .read), (.GET, "/api/routes/recent", nil, .read),
        (.GET, "/api/drain", nil, .admin), (.GET, "/", nil, .read), (.GET, "/openapi.yaml", nil, .read),
        (.GET, "/api/keys", nil, .admin),
    ]

    private func bearer(_ key: String) -> HTTPHeaders { ["Authorization": "Bearer \(key)"] }

    @Test("Without a key every surface answers on loopback but those that change trust")
    func keylessLoopback() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for (method, path, body, scope) in Self.routes {
                let status = try await node.send(method, path, body).status
                #expect(status == (scope == .admin ? 403 : 200), "\(path)")
            }
        }
    }

    @Test("Where a key is needed, each surface opens to its scope and to no other")
    func scopes() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            var keys: [Scope: String] = [:]
            for scope in Scope.allCases { keys[scope] = try await node.key([scope]) }
            for (method, path, body, needed) in Self.routes {
                #expect(try await node.send(method, path, body).status == 401, "\(path)")
                for (scope, key) in keys {
                    let reply = try await node.send(method, path, headers: bearer(key), body)
                    let isOpen = scope == needed || path == "/api/generate" && [.chat, .peer].contains(scope)
                    #expect(reply.status == (isOpen ? 200 : 403), "\(scope) at \(path): \(reply.text)")
                    if !isOpen { #expect(reply.text.contains("'\(needed)'"), "\(reply.text)") }
                }
                let owner = try await node.send(method, path, headers: bearer(AccessControl.token.reveal()), body)
                #expect(owner.status == 200, "\(path)")
            }
        }
    }

    @Test("A word that is no key is overlooked on loopback; something like a key is not")
    func dummies() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let cases: [(HTTPMethod, String, String?)] = [
                (.POST, "/v1/chat/completions", Self.completion), (.GET, "/v1/models", nil),
            ]
            let headers: [(HTTPHeaders, Int)] = [
                (bearer("sk-unused"), 200), (bearer("kith_wrong"), 401), (["X-API-Key": "kith_wrong"], 401),
            ]
            for (method, path, body) in cases {
                for (shown, expected) in headers {
                    let status = try await node.send(method, path, headers: shown, body).status
                    #expect(status == expected, "\(path)")
                }
            }
        }
    }

    @Test("A refusal has the shape of the surface and says what to do")
    func shapes() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            let reply = try await node.send(.POST, "/v1/chat/completions", Self.completion)
            let openAI = try reply.json()["error"]
            #expect(openAI?["code"] == "invalid_api_key")
            #expect(openAI?["type"] == "authentication_error")
            #expect(reply.headers.first(name: "www-authenticate")?.hasPrefix("Bearer") == true)
            let seed = try await node.send(.POST, "/api/generate", #"{"prompt":"x"}"#).json()
            #expect(seed["success"] == false)
            #expect(seed["error"]?.stringValue?.contains("X-API-Key") == true)
            let control = try await node.send(.GET, "/api/keys").json()["error"]
            #expect(control?["code"] == "invalid_api_key")

            let reader = bearer(try await node.key([.read]))
            let forbidden = try await node.send(.POST, "/v1/chat/completions", headers: reader, Self.completion)
            #expect(try forbidden.json()["error"]?["code"] == "missing_scope")
            #expect(try forbidden.json()["error"]?["type"] == "permission_error")
        }
    }

    @Test("Strangers learn that a node lives and nothing else")
    func liveness() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            for path in ["/health", "/health/live"] {
                let reply = try await node.send(.GET, path)
                #expect(reply.status == 200)
                #expect(try reply.json()["status"] == "alive")
                #expect(try reply.json()["version"] == nil)
                #expect(try reply.json()["checks"] == nil)
            }
            let reader = bearer(try await node.key([.read]))
            #expect(try await node.send(.GET, "/health", headers: reader).json()["version"] == "test")
            #expect(try await node.send(.GET, "/nothing").status == 401)
            #expect(try await node.send(.GET, "/nothing", headers: reader).status == 404)
            #expect(try await node.send(.DELETE, "/api/generate").status == 401)
            #expect(
                try await node.send(.DELETE, "/api/generate", headers: bearer(try await node.key([.chat]))).status
                    == 405)
        }
    }

    @Test("A revoked key ends with the next request on a connection that is open, also where answers are fast")
    func revocation() async throws {
        let trail = RecordingTrail()
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true, audit: trail) }) { node in
            let made = try await node.services.access.keys.create(
                name: "phone", scopes: [.chat], lifetime: nil, now: .now())
            let key = bearer(made.text.reveal())
            for path in ["/v1/chat/completions", "/v1/chat/completions", "/v1/completions"] {
                #expect(try await node.send(.POST, path, headers: key, Self.both).status == 200)
            }
            _ = try await node.services.access.keys.revoke(made.record.id, now: .now())
            let reply = try await node.send(.POST, "/v1/chat/completions", headers: key, Self.both)
            #expect(reply.status == 401)
            #expect(trail.lines.map(\.reason) == ["key revoked"])
            #expect(trail.lines.map(\.subject) == [made.record.id])
            #expect(trail.lines.first?.source == "127.0.0.1")
        }
    }

    @Test("An expired key is refused")
    func expiry() async throws {
        let trail = RecordingTrail()
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true, audit: trail) }) { node in
            let past = WallTime.now().advanced(by: .seconds(-100))
            let key = try await node.key([.chat], lifetime: .seconds(50), now: past)
            let reply = try await node.send(.POST, "/v1/chat/completions", headers: bearer(key), Self.completion)
            #expect(reply.status == 401)
            #expect(trail.lines.map(\.reason) == ["key expired"])
        }
    }

    @Test(
        "A page whose name was pointed at this machine gets nothing without a key",
        arguments: ["/v1/chat/completions", "/v1/completions", "/api/generate"])
    func rebinding(path: String) async throws {
        let trail = RecordingTrail()
        try await TestNode.run(
            engine: EchoEngine(), access: { .with($0, allowedHosts: ["desk.lan"], audit: trail) }
        ) { node in
            let body = Self.both
            let foreign = try await node.send(.POST, path, headers: ["Host": "evil.example:8080"], body)
            #expect(foreign.status == 421)
            #expect(foreign.text.contains("server.allowed_hosts"))
            #expect(try await node.send(.POST, path, headers: ["Host": "desk.lan"], body).status == 200)
            var headers = bearer(try await node.key([.chat]))
            headers.add(name: "Host", value: "proxy.example")
            #expect(try await node.send(.POST, path, headers: headers, body).status == 200)
            #expect(trail.lines.map(\.reason) == ["foreign host name"])
        }
    }
}
