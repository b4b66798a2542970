// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import NIOCore
import NIOSSL
import Testing

@Suite("Pages in a browser, at every listener of a node with all roles", .timeLimit(.minutes(2)))
struct PageDoorsTests {
    /// What a listener has that a page must not reach.
    struct Door: Sendable {
        var listener: String
        /// Routes that change something or ask an engine, with a body that a program may send.
        var writes: [(method: String, path: String, body: String)]
        var reads: [String]
    }

    private static let chat = #"{"messages":[{"role":"user","content":"secret"}]}"#
    private static let node = Door(
        listener: "node",
        writes: [
            ("POST", "/v1/chat/completions", chat), ("POST", "/v1/completions", #"{"prompt":"secret"}"#),
            ("POST", "/v1/embeddings", #"{"input":"secret"}"#), ("POST", "/v1/responses", #"{"input":"secret"}"#),
            ("POST", "/v1/messages", #"{"max_tokens":9,"messages":[{"role":"user","content":"secret"}]}"#),
            ("POST", "/api/chat", #"{"message":"secret"}"#), ("POST", "/api/generate", #"{"prompt":"secret"}"#),
            ("POST", "/api/feedback", #"{"score":1}"#), ("POST", "/api/embed", #"{"input":"secret"}"#),
            ("PUT", "/api/context/planted", #""secret""#), ("PUT", "/api/levels/planted", #"{"level":9}"#),
            ("POST", "/api/sessions/planted/messages", #"{"message":"secret"}"#),
            ("DELETE", "/api/context/planted", ""),
            ("POST", "/api/keys", #"{"name":"planted","scopes":["chat"]}"#), ("POST", "/api/page/session", ""),
        ],
        reads: [
            "/", "/health", "/health/live", "/metrics", "/api/status", "/api/events", "/v1/models", "/api/tags",
            "/api/state", "/openapi.yaml", "/ui/mesh", "/api/page/session", "/nothing", "/api/context", "/api/hello",
        ])
    private static let doors = [
        node,
        Door(
            listener: "ollama", writes: node.writes, reads: ["/", "/health", "/metrics", "/api/tags", "/api/version"]),
        Door(
            listener: "cell",
            writes: [
                ("POST", "/sync-consciousness", #"{"level":9,"context":{"planted":1}}"#),
                ("POST", "/code-assist", #"{"code":"secret","language":"swift"}"#),
            ], reads: ["/health", "/health/live", "/metrics", "/metrics/prometheus", "/nothing"]),
        Door(
            listener: "bridge",
            writes: [
                ("POST", "/sync-consciousness", #"{"level":9,"context":{"planted":1}}"#),
                ("POST", "/code-assist", #"{"code":"secret","language":"swift"}"#),
            ], reads: ["/health", "/metrics", "/events", "/network-peers", "/vault-status", "/nothing"]),
        Door(
            listener: "discovery",
            writes: [
                (
                    "POST", "/register",
                    #"{"cell_id":"planted","ip":"127.0.0.1","port":1,"consciousness_level":1,"services":[],"branch":"main"}"#
                ),
                ("POST", "/heartbeat", #"{"cell_id":"planted","consciousness_level":9}"#),
                ("POST", "/deregister", #"{"cell_id":"planted"}"#), ("DELETE", "/peer/planted", ""),
                ("DELETE", "/unregister/planted", ""),
            ], reads: ["/health", "/peers", "/metrics", "/nothing"]),
    ]

    /// How a page makes a browser send a request.
    struct Page: Sendable {
        var kind: String
        var fields: String
        /// By another name than this machine's.
        var host: String?
        /// Only what changes something, or everything.
        var reads = true
    }

    private static let foreign = "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n"
    private static let pages = [
        Page(kind: "fetch without a type", fields: foreign + "Sec-Fetch-Mode: no-cors\r\n", reads: false),
        Page(kind: "a text", fields: foreign + "Content-Type: text/plain;charset=UTF-8\r\n", reads: false),
        Page(kind: "a form", fields: foreign + "Content-Type: application/x-www-form-urlencoded\r\n", reads: false),
        Page(kind: "a file", fields: foreign + "Content-Type: multipart/form-data; boundary=x\r\n", reads: false),
        Page(kind: "JSON", fields: foreign + "Content-Type: application/json\r\n"),
        Page(kind: "a sandbox", fields: "Origin: null\r\nSec-Fetch-Site: cross-site\r\n"),
        Page(kind: "an old browser", fields: "Origin: https://evil.example\r\n"),
        Page(
            kind: "a browser that names no origin", fields: "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"),
        Page(kind: "another port", fields: "Origin: http://127.0.0.1:3000\r\nSec-Fetch-Site: same-site\r\n"),
        Page(
            kind: "a picture",
            fields: "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n"),
        Page(
            kind: "a frame",
            fields: "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n"),
        Page(
            kind: "a name that was led here", fields: "Content-Type: application/json\r\n", host: "evil.example"),
        Page(
            kind: "a page under a name that was led here",
            fields:
                "Origin: http://evil.example\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n",
            host: "evil.example"),
        Page(
            kind: "a false key under a name that was led here",
            fields: "Authorization: Bearer kith_false\r\nContent-Type: application/json\r\n", host: "evil.example"),
        Page(
            kind: "a socket",
            fields: foreign
                + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        ),
    ]

    @Test(
        "Nothing is changed, nothing is read and no engine is asked, whatever a page sends", arguments: [false, true])
    func everything(secure: Bool) async throws {
        try await RunningNode.run(secure: secure) { node in
            let before = try await node.visible()
            for door in Self.doors {
                for page in Self.pages {
                    for write in door.writes {
                        let answer = try await node.ask(
                            door.listener, write.method, write.path, page.fields, write.body, host: page.host)
                        #expect(
                            [400, 401, 403, 404, 405, 415, 421].contains(answer.status),
                            "\(door.listener) \(write.method) \(write.path), \(page.kind): \(answer.head)")
                        expectSafe(answer, "\(door.listener) \(write.path), \(page.kind)")
                    }
                    for path in page.reads ? door.reads : [] {
                        let answer = try await node.ask(door.listener, "GET", path, page.fields, "", host: page.host)
                        #expect(
                            [403, 404, 421].contains(answer.status),
                            "\(door.listener) GET \(path), \(page.kind): \(answer.head)")
                        expectSafe(answer, "\(door.listener) \(path), \(page.kind)")
                    }
                }
            }
            #expect(try await node.visible() == before)
        }
    }

    @Test("A body that the browser does not declare as JSON does nothing, even for a page that may ask")
    func undeclared() async throws {
        try await RunningNode.run(secure: false) { node in
            let before = try await node.visible()
            for door in Self.doors {
                let own = "Origin: http://127.0.0.1:\(node.port(of: door.listener))\r\nSec-Fetch-Site: same-origin\r\n"
                for write in door.writes where write.method == "POST" && !write.body.isEmpty {
                    for type in [
                        "", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n",
                    ] {
                        let answer = try await node.ask(door.listener, "POST", write.path, own + type, write.body)
                        #expect(
                            answer.status == 415 || answer.status == 404,
                            "\(door.listener) \(write.path): \(answer.head)")
                    }
                }
            }
            #expect(try await node.visible() == before)
            // Programs go on as they do.
            let program = try await node.ask("node", "POST", "/api/generate", "", #"{"prompt":"hello"}"#)
            #expect(program.status == 200)
        }
    }

    @Test("A link from anywhere leads to the page, and every answer says what it is")
    func links() async throws {
        try await RunningNode.run(secure: false) { node in
            let link =
                "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\n"
            let answer = try await node.ask("node", "GET", "/", link, "")
            #expect(answer.status == 200)
            for door in Self.doors {
                for path in door.reads where !path.contains("events") {
                    expectSafe(try await node.ask(door.listener, "GET", path, "", ""), "\(door.listener) \(path)")
                }
            }
        }
    }

    @Test("The port for other nodes speaks with nobody who shows no certificate")
    func peerPort() async throws {
        try await RunningNode.run(secure: false) { node in
            let words = "POST /peer/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
            for isSecure in [false, true] {
                let answer = try await node.raw("peers", words, secure: isSecure)
                #expect(answer.isEmpty)
            }
        }
    }

    private func expectSafe(_ answer: RunningNode.Answer, _ what: String) {
        let head = answer.head.lowercased()
        #expect(head.contains("x-content-type-options: nosniff"), "\(what): \(answer.head)")
        #expect(head.contains("content-security-policy: default-src 'none'"), "\(what): \(answer.head)")
        #expect(!head.contains("access-control-allow-origin: https://evil"), "\(what)")
        #expect(!head.contains("access-control-allow-credentials"), "\(what)")
    }
}
