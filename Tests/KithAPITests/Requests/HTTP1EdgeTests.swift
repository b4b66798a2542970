// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Testing

@Suite("The edges of HTTP/1", .timeLimit(.minutes(2)))
struct HTTP1EdgeTests {
    private func exchange(_ node: TestNode, _ text: String) async throws -> String {
        try await RawConnection.open(port: node.address.port) { connection in
            try await connection.send(text)
            return await connection.readToEnd()
        }
    }

    private func post(_ path: String, _ version: String, _ body: String, _ fields: String = "") -> String {
        "POST \(path) HTTP/\(version)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test(
        "HTTP/1.0 is answered without chunks and to the connection's end, with a Host or without",
        arguments: ["", "Host: localhost\r\n"])
    func http10(host: String) async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for (path, body) in [
                ("/v1/chat/completions", #"{"stream":true,"messages":[{"role":"user","content":"one two"}]}"#),
                ("/v1/chat/completions", #"{"messages":[{"role":"user","content":"one two"}]}"#),
                ("/api/generate", #"{"prompt":"one two"}"#),
            ] {
                let answer = try await exchange(node, post(path, "1.0", body, host))
                #expect(answer.hasPrefix("HTTP/1.0 200"))
                #expect(!answer.lowercased().contains("transfer-encoding"))
                #expect(answer.contains("two"))
                if body.contains("stream") { #expect(answer.hasSuffix("data: [DONE]\n\n")) }
            }
        }
    }

    @Test("HTTP/1.0 that asks for it keeps its connection after an answer whose length is known")
    func http10KeepsAlive() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let fields = "Connection: keep-alive\r\n"
            let answer = try await exchange(
                node,
                post("/api/generate", "1.0", #"{"prompt":"first"}"#, fields)
                    + post("/api/generate", "1.0", #"{"prompt":"second"}"#))
            #expect(answer.ranges(of: "HTTP/1.0 200").count == 2)
            #expect(answer.contains("second"))
        }
    }

    @Test("A client that waits for a word before it sends its body is told to go on, once")
    func expects() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let (body, interim) = (#"{"prompt":"patience"}"#, "HTTP/1.1 100 Continue\r\n\r\n")
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                try await connection.send(
                    "POST /api/generate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n")
                let (told, tell) = AsyncStream.makeStream(of: Void.self)
                async let sent: Void = {
                    for await _ in told { break }
                    try await connection.send(body)
                }()
                let answer = await connection.read { received in
                    if received == interim { tell.finish() }
                    return false
                }
                try await sent
                return answer
            }
            #expect(answer.hasPrefix(interim + "HTTP/1.1 200"))
            #expect(answer.contains("patience"))
        }
    }

    @Test("Who is refused before the body is read gets that answer alone, and the connection ends")
    func refusedBeforeBody() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }) { node in
            for path in ["/v1/chat/completions", "/api/generate"] {
                let answer = try await exchange(
                    node,
                    "POST \(path) HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")
                #expect(answer.hasPrefix("HTTP/1.1 401"))
                #expect(!answer.contains("100 Continue"))
            }
        }
    }

    @Test("What else is expected is refused with 417")
    func unknownExpectation() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let reply = try await node.send(.POST, "/api/generate", headers: ["Expect": "tea"], #"{"prompt":"x"}"#)
            #expect(reply.status == 417)
            #expect(reply.text.contains("tea"))
        }
    }

    @Test(
        "A broken body is the client's fault, and said in the dialect of its path",
        arguments: ["/v1/chat/completions", "/api/generate"])
    func brokenChunks(path: String) async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let answer = try await exchange(
                node,
                "POST \(path) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 400"))
            #expect(answer.ranges(of: "HTTP/1.1 ").count == 1)
            #expect(answer.contains("chunk"))
            #expect(answer.lowercased().contains("connection: close"))
        }
    }

    @Test("Heads that are too long or no heads are refused in JSON, and the connection ends")
    func brokenHeads() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            for (head, status) in [
                ("POST /api/generate HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
                ("GET /health/live HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "y", count: 20 << 10))\r\n\r\n", 431),
                ("POST /api/generate HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            ] {
                let answer = try await exchange(node, head)
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(200))")
                #expect(answer.contains(#"{"error":{"#))
            }
        }
    }

    @Test("A body past the limit is refused without being read to its end")
    func tooLarge() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let answer = try await exchange(
                node, "POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n{")
            #expect(answer.hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test("Answers say when they were made, to the second")
    func date() async throws {
        try await TestNode.run(engine: EchoEngine()) { node in
            let before = WallTime.now()
            let answer = try await node.send(.GET, "/health/live")
            let possible = [before, .now()].map(\.httpDate) + [before.advanced(by: .seconds(1)).httpDate]
            #expect(possible.contains(answer.headers.first(name: "date") ?? ""))
        }
    }
}
