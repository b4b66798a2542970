// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithInference
import KithModel
import KithServer
import KithSurfaceTesting
import KithTesting
import KithTrust
import NIOHTTP1
import NIOSSL
import Testing

@Suite("TLS on the surfaces", .timeLimit(.minutes(2)))
struct SecureSurfaceTests {
    private static let completion = #"{"messages":[{"role":"user","content":"hello"}]}"#
    private static let streamed = #"{"stream":true,"messages":[{"role":"user","content":"hello"}]}"#
    private let tls: TestTLS

    init() throws { tls = try TestTLS() }

    private func post(_ body: String, _ fields: String = "") -> String {
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test(
        "HTTP/1.1 works as without TLS, pipelined and streamed too",
        arguments: [["http/1.1"], [], ["h2c", "http/1.1"]])
    func http1(protocols: [String]) async throws {
        try await TestNode.run(engine: EchoEngine(), tls: tls.source) { node in
            let answer = try await tls.connection(to: node, protocols) { connection in
                try await connection.send(post(Self.completion) + post(Self.streamed) + post(Self.completion))
                return await connection.read { $0.ranges(of: "HTTP/1.1 200").count == 3 && $0.hasSuffix("}") }
            }
            #expect(answer.ranges(of: "HTTP/1.1 200").count == 3)
            #expect(answer.contains("data: [DONE]"))
        }
    }

    @Test("HTTP/2 is answered, many requests at once, streamed and whole, good and bad")
    func http2() async throws {
        try await TestNode.run(engine: EchoEngine(), tls: tls.source) { node in
            try await HTTP2Connection.open(to: node, tls) { connection in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<30 {
                        group.addTask {
                            let body = number.isMultiple(of: 2) ? Self.completion : Self.streamed
                            let reply = try await connection.send(.post, "/v1/chat/completions", body)
                            #expect(reply.status == 200)
                            #expect(reply.text.contains("hello"))
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await connection.send(.get, "/nothing").status == 404)
                #expect(try await connection.send(.post, "/api/generate", "{").status == 400)
                let large = String(repeating: "x", count: 2 << 20)
                #expect(try await connection.send(.post, "/api/generate", large).status == 413)
                try await expectLife(on: connection)
            }
        }
    }

    @Test("Keys and names count on both protocols")
    func access() async throws {
        try await TestNode.run(engine: EchoEngine(), access: { .with($0, requiresKey: true) }, tls: tls.source) {
            node in
            let key = try await node.key([.chat])
            try await HTTP2Connection.open(to: node, tls) { connection in
                let refused = try await connection.send(.post, "/v1/chat/completions", Self.completion)
                #expect(refused.status == 401)
                let answered = try await connection.send(
                    .post, "/v1/chat/completions", headers: [.authorization: "Bearer \(key)"], Self.completion)
                #expect(answered.status == 200)
            }
            let answer = try await tls.connection(to: node) { connection in
                try await connection.send(
                    post(Self.completion, "X-API-Key: \(key)\r\n") + post(Self.completion, "Connection: close\r\n"))
                return await connection.readToEnd()
            }
            #expect(answer.contains("HTTP/1.1 200"))
            #expect(answer.contains("HTTP/1.1 401"))
        }
    }

    @Test(
        "What is not TLS is not answered",
        arguments: ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
    func plaintext(bytes: String) async throws {
        try await TestNode.run(engine: EchoEngine(), tls: tls.source) { node in
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                try await connection.send(bytes)
                return await connection.readToEnd()
            }
            #expect(!answer.contains("HTTP"))
            try await expectLife(of: node)
        }
    }

    @Test(
        "TLS of the last century is refused, 1.2 and 1.3 are not",
        arguments: [TLSVersion.tlsv1, .tlsv11, .tlsv12, .tlsv13])
    func versions(version: TLSVersion) async throws {
        try await TestNode.run(engine: EchoEngine(), tls: tls.source) { node in
            let answer = try await tls.connection(
                to: node,
                change: {
                    $0.minimumTLSVersion = version
                    $0.maximumTLSVersion = version
                }
            ) { connection in
                do {
                    try await connection.send(
                        "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                } catch {}  // refused already
                return await connection.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 200") == [.tlsv12, .tlsv13].contains(version))
            try await expectLife(of: node)
        }
    }

    @Test("Connections that never end their handshake are closed, and hold up nobody else")
    func halfOpen() async throws {
        let limits = ConnectionLimits(handshake: .seconds(1))
        try await TestNode.run(engine: EchoEngine(), tls: tls.source, limits: limits) { node in
            let answer = try await RawConnection.open(port: node.address.port) { connection in
                try await connection.send([0x16, 0x03, 0x01])
                try await expectLife(of: node)
                return await connection.readToEnd()
            }
            #expect(answer.isEmpty)
        }
    }

    @Test("Spoilt handshakes are survived", arguments: [1, 2] as [UInt64])
    func spoilt(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let hello: [UInt8] =
            [0x16, 3, 1, 0, 60, 1, 0, 0, 56, 3, 3] + (0..<54).map { _ in .random(in: 0...255, using: &generator) }
        let spoilt = (0..<40).map { _ in Mutations.spoil(hello, using: &generator) }
        let limits = ConnectionLimits(handshake: .seconds(1))
        try await TestNode.run(engine: EchoEngine(), tls: tls.source, limits: limits) { node in
            try await withThrowingTaskGroup(of: String.self) { group in
                for bytes in spoilt {
                    group.addTask {
                        try await RawConnection.open(port: node.address.port) { connection in
                            do { try await connection.send(bytes) } catch {}  // closed already
                            return await connection.readToEnd()
                        }
                    }
                }
                for try await answer in group { #expect(!answer.contains("HTTP"), "seed \(seed)") }
            }
            try await expectLife(of: node)
        }
    }

    @Test("A new certificate counts for the connections that come after it")
    func renewal() async throws {
        let renewed = try TestTLS()
        try await TestNode.run(engine: EchoEngine(), tls: tls.source) { node in
            try await HTTP2Connection.open(to: node, tls) { connection in
                try await expectLife(on: connection)
                tls.source.replace(with: renewed.source.current)
                try await expectLife(on: connection)
            }
            try await HTTP2Connection.open(to: node, renewed) { connection in
                try await expectLife(on: connection)
            }
        }
    }

    private func expectLife(of node: TestNode) async throws {
        try await HTTP2Connection.open(to: node, tls) { connection in
            try await expectLife(on: connection)
        }
    }

    private func expectLife(on connection: HTTP2Connection) async throws {
        let status = try await connection.send(.get, "/health/live").status
        #expect(status == 200)
    }
}
