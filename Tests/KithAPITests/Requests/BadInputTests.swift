// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithServer
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

/// One request that is wrong, and what its client must be told.
struct BadInput: Sendable, CustomTestStringConvertible {
    var what: String
    var path: String
    var body: String
    var contentType: String? = "application/json"
    var status: Int
    /// Stands in the error's message.
    var mentions: String

    var testDescription: String { "\(what) at \(path)" }

    static let seed: [BadInput] = [
        BadInput(what: "broken JSON", path: "/api/generate", body: "{", status: 400, mentions: "JSON"),
        BadInput(what: "no body", path: "/api/generate", body: "", status: 400, mentions: "JSON"),
        BadInput(what: "a list", path: "/api/generate", body: "[1]", status: 400, mentions: "object"),
        BadInput(what: "no prompt", path: "/api/generate", body: "{}", status: 400, mentions: "No prompt provided"),
        BadInput(
            what: "a blank prompt", path: "/api/generate", body: #"{"prompt":" \n"}"#, status: 400,
            mentions: "No prompt provided"),
        BadInput(
            what: "a numeric prompt", path: "/api/generate", body: #"{"prompt":1}"#, status: 422, mentions: "prompt"),
        BadInput(
            what: "a temperature out of range", path: "/api/generate", body: #"{"prompt":"x","temperature":2.1}"#,
            status: 422, mentions: "temperature"),
        BadInput(
            what: "an infinite temperature", path: "/api/generate", body: #"{"prompt":"x","temperature":1e999}"#,
            status: 422, mentions: "temperature"),
        BadInput(
            what: "NaN", path: "/api/generate", body: #"{"prompt":"x","temperature":NaN}"#, status: 400,
            mentions: "JSON"),
        BadInput(
            what: "a huge limit", path: "/api/generate", body: #"{"prompt":"x","max_tokens":1e300}"#, status: 422,
            mentions: "max_tokens"),
        BadInput(
            what: "a fractional limit", path: "/api/generate", body: #"{"prompt":"x","max_tokens":1.5}"#, status: 422,
            mentions: "max_tokens"),
        BadInput(
            what: "no limit at all", path: "/api/generate", body: #"{"prompt":"x","max_tokens":0}"#, status: 422,
            mentions: "max_tokens"),
        BadInput(
            what: "an unknown model", path: "/api/generate", body: #"{"prompt":"x","model":"gone"}"#, status: 404,
            mentions: "gone"),
        BadInput(
            what: "a form", path: "/api/generate", body: "prompt=x", contentType: "application/x-www-form-urlencoded",
            status: 415, mentions: "application/json"),
        BadInput(what: "no message", path: "/api/chat", body: "{}", status: 400, mentions: "No message provided"),
        BadInput(
            what: "a session's name of 200 letters", path: "/api/chat",
            body: #"{"message":"x","session":"\#(String(repeating: "s", count: 200))"}"#, status: 422,
            mentions: "session"),
        BadInput(what: "no score", path: "/api/feedback", body: "{}", status: 400, mentions: "score"),
        BadInput(
            what: "a score out of range", path: "/api/feedback", body: #"{"score":2}"#, status: 422, mentions: "score"),
        BadInput(
            what: "an unknown session", path: "/api/feedback", body: #"{"score":1,"session":"none"}"#, status: 422,
            mentions: "none"),
        BadInput(
            what: "an impossible session", path: "/api/feedback", body: #"{"score":1,"session":""}"#, status: 422,
            mentions: "session"),
    ]

    static let openAI: [BadInput] = [
        BadInput(what: "broken JSON", path: "/v1/chat/completions", body: "{", status: 400, mentions: "JSON"),
        BadInput(what: "a string", path: "/v1/chat/completions", body: #""x""#, status: 400, mentions: "object"),
        BadInput(what: "no messages", path: "/v1/chat/completions", body: "{}", status: 400, mentions: "messages"),
        BadInput(
            what: "empty messages", path: "/v1/chat/completions", body: #"{"messages":[]}"#, status: 400,
            mentions: "messages"),
        BadInput(
            what: "messages that are text", path: "/v1/chat/completions", body: #"{"messages":"x"}"#, status: 400,
            mentions: "messages"),
        BadInput(
            what: "a message without a role", path: "/v1/chat/completions", body: #"{"messages":[{"content":"x"}]}"#,
            status: 400, mentions: "role"),
        BadInput(
            what: "an unknown role", path: "/v1/chat/completions",
            body: #"{"messages":[{"role":"king","content":"x"}]}"#, status: 400, mentions: "role"),
        BadInput(
            what: "a message without content", path: "/v1/chat/completions", body: #"{"messages":[{"role":"user"}]}"#,
            status: 400, mentions: "content"),
        BadInput(
            what: "numeric content", path: "/v1/chat/completions",
            body: #"{"messages":[{"role":"user","content":5}]}"#, status: 400, mentions: "content"),
        BadInput(
            what: "an unknown model", path: "/v1/chat/completions",
            body: #"{"model":"gone","messages":[{"role":"user","content":"x"}]}"#, status: 404, mentions: "gone"),
        BadInput(
            what: "an unknown model in a stream", path: "/v1/chat/completions",
            body: #"{"stream":true,"model":"gone","messages":[{"role":"user","content":"x"}]}"#, status: 404,
            mentions: "gone"),
        BadInput(
            what: "a prompt past the context", path: "/v1/chat/completions",
            body: #"{"messages":[{"role":"user","content":"\#(String(repeating: "word ", count: 9000))"}]}"#,
            status: 400, mentions: "context"),
        BadInput(what: "no prompt", path: "/v1/completions", body: "{}", status: 400, mentions: "prompt"),
        BadInput(what: "no input", path: "/v1/embeddings", body: "{}", status: 400, mentions: "input"),
        BadInput(
            what: "tokens for an engine that embeds texts", path: "/v1/embeddings", body: #"{"input":[1,2]}"#,
            status: 400, mentions: "tokens"),
        BadInput(
            what: "plain text", path: "/v1/chat/completions", body: "hello", contentType: "text/plain", status: 415,
            mentions: "application/json"),
    ]
}

@Suite("Bad input", .timeLimit(.minutes(2)))
struct BadInputTests {
    private func check(_ input: BadInput, at node: TestNode) async throws -> TestReply {
        let headers: HTTPHeaders = input.contentType.map { ["Content-Type": $0] } ?? [:]
        let reply = try await node.send(.POST, input.path, headers: headers, input.body)
        #expect(reply.status == input.status, "\(input.testDescription): \(reply.text)")
        #expect(reply.headers.first(name: "content-type") == "application/json")
        return reply
    }

    @Test("A seed route says what is wrong in the seed's shape")
    func seedRoutes() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for input in BadInput.seed {
                let body = try await check(input, at: node).json()
                #expect(body["success"] == false, "\(input.testDescription)")
                #expect(
                    body["error"]?.stringValue?.contains(input.mentions) == true, "\(input.testDescription): \(body)")
            }
        }
    }

    @Test("An OpenAI route says what is wrong in OpenAI's shape")
    func openAIRoutes() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for input in BadInput.openAI {
                let error = try await check(input, at: node).json()["error"]
                #expect(
                    error?["message"]?.stringValue?.contains(input.mentions) == true,
                    "\(input.testDescription): \(error ?? .null)")
                #expect(error?["type"] == "invalid_request_error")
            }
        }
    }

    @Test("An unknown model's error lists the models that are known")
    func knownModelsAreListed() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let body = #"{"model":"gone","messages":[{"role":"user","content":"x"}]}"#
            let error = try await node.send(.POST, "/v1/chat/completions", body).json()["error"]
            #expect(error?["models"] == ["echo"])
            #expect(error?["code"] == "model_not_found")
        }
    }

    @Test("Invalid UTF-8 is refused as broken JSON", arguments: ["/api/generate", "/v1/chat/completions"])
    func invalidUTF8(path: String) async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let body = Array(#"{"prompt":""#.utf8) + [0xFF, 0xFE] + Array(#""}"#.utf8)
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                try await connection.send(
                    "POST \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \(body.count)\r\n\r\n"
                )
                try await connection.send(body)
                return await connection.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test("A body of ten megabytes is refused whether its length is announced or not", arguments: [true, false])
    func hugeBody(isAnnounced: Bool) async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                let length = isAnnounced ? "Content-Length: 10485760" : "Transfer-Encoding: chunked"
                try await connection.send("POST /api/generate HTTP/1.1\r\nHost: localhost\r\n\(length)\r\n\r\n")
                let megabyte = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
                for _ in 0..<10 {
                    do {
                        if !isAnnounced { try await connection.send("100000\r\n") }
                        try await connection.send(megabyte)
                        if !isAnnounced { try await connection.send("\r\n") }
                    } catch { break }  // the node closed: it need not read what it refuses
                }
                return await connection.read { $0.contains("}") }
            }
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test("A flood of headers is refused and the node goes on answering")
    func headerFlood() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for flood in [
                (0..<500).map { "X-\($0): y\r\n" }.joined(), "X: " + String(repeating: "y", count: 1 << 20) + "\r\n",
            ] {
                let answer = try await RawConnection.open(port: node.address.port) { connection in
                    do {
                        try await connection.send("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\(flood)\r\n")
                    } catch {}
                    return await connection.readToEnd()
                }
                #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"))
            }
            #expect(try await node.send(.GET, "/health/live").status == 200)
        }
    }

    @Test("A body that never ends is given up and its connection closed")
    func slowBody() async throws {
        let limits = ConnectionLimits(body: .milliseconds(100))
        try await TestNode.run(engine: EchoEngine(), limits: limits) { node in
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                try await connection.send(
                    "POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
                return await connection.readToEnd()
            }
            #expect(!answer.hasPrefix("HTTP/1.1 200"))
            #expect(try await node.send(.GET, "/health/live").status == 200)
        }
    }

    @Test("A head that never ends is given up and its connection closed")
    func slowHead() async throws {
        try await TestNode.run(engine: EchoEngine(), limits: ConnectionLimits(idle: .milliseconds(100))) { node in
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                try await connection.send("POST /api/generate HTTP/1.1\r\nHost:")
                return await connection.readToEnd()
            }
            #expect(answer.isEmpty)
        }
    }

    @Test(
        "What is not HTTP is answered with 400 or a closed connection",
        arguments: ["\r\n\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"])
    func notHTTP(bytes: String) async throws {
        let limits = ConnectionLimits(idle: .milliseconds(200))
        try await TestNode.run(engine: EchoEngine(), limits: limits) { node in
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                do { try await connection.send(bytes) } catch {}  // closed already: refused all the same
                return await connection.readToEnd()
            }
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4") || answer.hasPrefix("HTTP/1.0 4"))
            #expect(try await node.send(.GET, "/health/live").status == 200)
        }
    }

    @Test(
        "An unknown path is 404 and a wrong method 405 with what is allowed, in the route's shape",
        arguments: [
            ("/nothing", HTTPMethod.GET, 404, nil), ("/v1/nothing", .POST, 404, nil),
            ("/api/generate", .GET, 405, "POST"), ("/v1/chat/completions", .DELETE, 405, "POST"),
            ("/v1/models", .POST, 405, "GET, HEAD"), ("/health", .PUT, 405, "GET, HEAD"),
        ] as [(String, HTTPMethod, Int, String?)])
    func routing(path: String, method: HTTPMethod, status: Int, allow: String?) async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(method, path)
            #expect(reply.status == status)
            #expect(reply.headers.first(name: "allow") == allow)
            let error = try reply.json()["error"]
            #expect((error?["message"] != nil) == path.hasPrefix("/v1/"))
        }
    }
}
