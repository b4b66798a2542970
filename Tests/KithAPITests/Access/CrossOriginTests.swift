// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithAPI
import KithInference
import KithModel
import KithServer
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("Pages of other origins", .timeLimit(.minutes(2)))
struct CrossOriginTests {
    private static let page = "http://localhost:3000"
    private static let plain = #"{"messages":[{"role":"user","content":"hello"}]}"#
    private static let streamed = #"{"stream":true,"messages":[{"role":"user","content":"hello"}]}"#

    /// As browsers send JSON for a page.
    private static func asPage(_ origin: String) -> HTTPHeaders {
        ["Origin": origin, "Content-Type": "application/json"]
    }

    private func preflight(_ origin: String, _ more: HTTPHeaders = [:]) -> HTTPHeaders {
        var headers: HTTPHeaders = [
            "Origin": origin, "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
        ]
        headers.add(contentsOf: more)
        return headers
    }

    private func allowed(_ reply: TestReply) -> String? { reply.headers.first(name: "access-control-allow-origin") }

    private func seen(_ reply: TestReply) -> [Substring] {
        reply.headers.first(name: "access-control-expose-headers")?.replacing(" ", with: "").split(separator: ",") ?? []
    }

    @Test("Without the setting no answer says that a page may read it")
    func nothingByDefault() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let asked = try await node.send(.OPTIONS, "/v1/chat/completions", headers: preflight(Self.page))
            #expect(allowed(asked) != Self.page)
            for reply in [
                try await node.send(.GET, "/v1/models", headers: ["Origin": Self.page]),
                try await node.send(.POST, "/v1/chat/completions", headers: Self.asPage(Self.page), Self.plain),
            ] {
                #expect(!reply.headers.contains { $0.name.lowercased().hasPrefix("access-control") })
                #expect(reply.headers.first(name: "vary") == nil)
            }
        }
    }

    @Test("What a browser asks beforehand for a named page is answered without a key, for every path alike")
    func asksBeforehand() async throws {
        try await TestNode.run(
            engine: EchoEngine(), access: { .with($0, requiresKey: true, allowedOrigins: [Self.page]) }
        ) { node in
            for path in ["/v1/chat/completions", "/chat/completions", "/v1/messages", "/api/context/x", "/nothing"] {
                let reply = try await node.send(.OPTIONS, path, headers: preflight(Self.page))
                #expect(reply.status == 204, "\(path)")
                #expect(allowed(reply) == Self.page)
                let methods = reply.headers.first(name: "access-control-allow-methods") ?? ""
                for method in ["GET", "POST", "PUT", "DELETE"] { #expect(methods.contains(method)) }
                #expect(
                    reply.headers.first(name: "access-control-allow-headers")
                        == "authorization,content-type,x-stainless-os")
                #expect(reply.headers.first(name: "access-control-max-age") != nil)
                #expect(reply.headers.first(name: "vary")?.contains("Origin") == true)
                #expect(reply.headers.first(name: "access-control-allow-private-network") == nil)
                #expect(reply.headers.first(name: "access-control-allow-credentials") == nil)
            }
            let near = preflight(Self.page, ["Access-Control-Request-Private-Network": "true"])
            let reply = try await node.send(.OPTIONS, "/v1/models", headers: near)
            #expect(reply.headers.first(name: "access-control-allow-private-network") == "true")
        }
    }

    @Test(
        "Another page, and a question that is none, get what they get without the setting",
        arguments: ["http://localhost:3001", "https://localhost:3000", "http://localhost:3000.evil.example", "null"])
    func others(origin: String) async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, allowedOrigins: [Self.page]) }) { node in
            let asked = try await node.send(.OPTIONS, "/v1/chat/completions", headers: preflight(origin))
            // The origin that may is the node's own: a browser takes any other than the page's for a refusal.
            #expect(asked.status == 204)
            #expect(allowed(asked)?.hasPrefix("http://127.0.0.1:") == true)
            #expect(asked.headers.first(name: "access-control-allow-methods") == nil)
            let read = try await node.send(.GET, "/v1/models", headers: ["Origin": origin])
            #expect(read.status == 403)
            let sent = try await node.send(.POST, "/v1/chat/completions", headers: Self.asPage(origin), Self.plain)
            #expect(sent.status == 403)
            for reply in [read, sent] { #expect(allowed(reply) == nil) }
            for reply in [asked, read, sent] { #expect(reply.headers.first(name: "vary") == "Origin") }
            let bare = try await node.send(.OPTIONS, "/v1/chat/completions", headers: ["Origin": Self.page])
            #expect(bare.status == 405)
        }
    }

    @Test("A named page is answered as a program on this machine is, and may read where the answer came from")
    func answered() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, allowedOrigins: [Self.page]) }) { node in
            var page = Self.asPage(Self.page)
            page.add(name: "Sec-Fetch-Site", value: "cross-site")
            for (path, body) in [
                ("/v1/chat/completions", Self.plain), ("/v1/chat/completions", Self.streamed),
                ("/chat/completions", Self.streamed), ("/v1/embeddings", #"{"input":"x"}"#),
            ] {
                let reply = try await node.send(.POST, path, headers: page, body)
                #expect(reply.status == 200, "\(reply.text)")
                #expect(allowed(reply) == Self.page)
                #expect(reply.headers.first(name: "vary") == "Origin")
                #expect(seen(reply).contains("x-kith-route"))
                #expect(!seen(reply).contains("content-type"))
            }
            // Programs say nothing of pages, and are answered before the framework.
            let program = try await node.send(.POST, "/v1/chat/completions", Self.plain)
            #expect(allowed(program) == nil)
            #expect(try await node.send(.GET, "/api/keys", headers: page).status == 403)
        }
    }

    @Test("Errors can be read too, and when to ask again")
    func errors() async throws {
        let busy = BreakingEngine(words: 0, failure: ChatError(.rateLimited, "too many", retryAfter: .seconds(7)))
        try await TestNode.run(
            engine: busy, access: { .with($0, requiresKey: true, allowedOrigins: [Self.page]) }, patience: .zero
        ) { node in
            let page = Self.asPage(Self.page)
            let keyless = try await node.send(.POST, "/v1/chat/completions", headers: page, Self.plain)
            #expect(keyless.status == 401)
            let owner = node.asOwner()
            let unknown = try await owner.send(
                .POST, "/v1/chat/completions", headers: page,
                #"{"model":"gone","messages":[{"role":"user","content":"x"}]}"#)
            #expect(unknown.status == 404)
            let nowhere = try await owner.send(.GET, "/nothing", headers: page)
            #expect(nowhere.status == 404)
            let full = try await owner.send(.POST, "/v1/chat/completions", headers: page, Self.streamed)
            #expect(full.status == 429, "\(full.text)")
            #expect(seen(full).contains("retry-after"))
            #expect(seen(full).contains("retry-after-ms"))
            for reply in [keyless, unknown, nowhere, full] { #expect(allowed(reply) == Self.page, "\(reply.status)") }
        }
    }

    @Test("Under the wildcard a page has to show a key, to read as well, unless it is named")
    func wildcard() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, allowedOrigins: ["*", Self.page]) }) { node in
            let page = Self.asPage("https://any.example")
            let asked = try await node.send(.OPTIONS, "/v1/models", headers: preflight("https://any.example"))
            #expect(asked.status == 204)
            #expect(allowed(asked) == "https://any.example")
            for (method, path, body) in [
                (HTTPMethod.GET, "/v1/models", nil), (.GET, "/api/context", nil),
                (.POST, "/v1/chat/completions", Self.plain),
            ] {
                let refused = try await node.send(method, path, headers: page, body)
                #expect(refused.status == 403, "\(path)")
                #expect(allowed(refused) == "https://any.example")
                let keyed = try await node.asOwner().send(method, path, headers: page, body)
                #expect(keyed.status == 200, "\(path): \(keyed.text)")
                #expect(allowed(keyed) == "https://any.example")
                #expect(try await node.send(method, path, headers: Self.asPage(Self.page), body).status == 200)
            }
            // The node's own page, and what is no page.
            let own: HTTPHeaders = ["Origin": "http://127.0.0.1:\(node.address.port)"]
            #expect(try await node.send(.GET, "/v1/models", headers: own).status == 200)
            #expect(try await node.send(.GET, "/v1/models").status == 200)
        }
    }

    @Test("The same holds on HTTP/2")
    func http2() async throws {
        let tls = try TestTLS()
        try await TestNode.run(
            engine: EchoEngine(), access: { .with($0, allowedOrigins: [Self.page]) }, tls: tls.source
        ) { node in
            try await HTTP2Connection.open(to: node, tls) { connection in
                let asked = try await connection.send(
                    .options, "/v1/chat/completions",
                    headers: [.origin: Self.page, .accessControlRequestMethod: "POST"])
                #expect(asked.status == 204)
                for body in [Self.plain, Self.streamed] {
                    let reply = try await connection.exchange(
                        .post, "/v1/chat/completions", headers: [.origin: Self.page, .contentType: "application/json"],
                        body)
                    #expect(reply.status == 200)
                    #expect(reply.fields[.accessControlAllowOrigin] == Self.page)
                    #expect(reply.fields[.accessControlExposeHeaders]?.contains("x-kith-route") == true)
                }
            }
        }
    }
}
