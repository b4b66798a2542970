// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTransport
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@Suite("Upstream client", .timeLimit(.minutes(1)))
struct UpstreamClientTests {
    private let client = UpstreamClient()
    private let impatient = UpstreamLimits(firstByte: .milliseconds(100))
    private let quicklyStalled = UpstreamLimits(firstByte: .seconds(30), stall: .milliseconds(100))
    private let small = UpstreamLimits(firstByte: .seconds(30), bodyBytes: 1_000)

    private func get(_ server: StubServer, _ path: String = "/", limits: UpstreamLimits = UpstreamLimits())
        -> UpstreamRequest
    {
        UpstreamRequest(.GET, server.address, path: path, limits: limits)
    }

    private func code(of operation: () async throws -> Void) async -> ChatError.Code? {
        do {
            try await operation()
            return nil
        } catch {
            return (error as? ChatError)?.code
        }
    }

    @Test("A request arrives as it was made and its answer comes back whole, whatever its status")
    func wholeAnswer() async throws {
        try await StubServer.serve { _, answer in
            try await answer.send("short and stout", status: 418, headers: ["X-Tea": "pot"])
        } during: { server in
            var request = UpstreamRequest(.POST, server.address, path: "/brew?now", body: ByteBuffer(string: "{}"))
            request.headers.add(name: "Authorization", value: "Bearer k")
            let reply = try await client.collect(request)
            #expect(reply.status == 418)
            #expect(reply.headers.first(name: "x-tea") == "pot")
            #expect(String(buffer: reply.body) == "short and stout")
            let seen = try #require(server.requests.first)
            #expect(seen.method == "POST")
            #expect(seen.uri == "/brew?now")
            #expect(seen.body == Array("{}".utf8))
            #expect(seen[header: "host"] == server.address.authority)
            #expect(seen[header: "content-length"] == "2")
            #expect(seen[header: "authorization"] == "Bearer k")
        }
    }

    @Test("A stream's pieces arrive as they are written")
    func stream() async throws {
        try await StubServer.serve { _, answer in
            try await answer.begin(contentType: "text/plain")
            for number in 0..<100 { try await answer.write("\(number) ") }
            try await answer.end()
        } during: { server in
            var text = ""
            for try await piece in try await client.stream(get(server)).body { text += String(buffer: piece) }
            #expect(text == (0..<100).map { "\($0) " }.joined())
        }
    }

    @Test("A port where nobody listens is unreachable")
    func unreachable() async {
        let code = await code {
            _ = try await client.collect(
                UpstreamRequest(.GET, HTTPAddress(host: "127.0.0.1", port: 1), path: "/"))
        }
        #expect(code == .unreachable)
    }

    @Test("A server that says nothing is given up after the first-byte limit")
    func silence() async throws {
        try await StubServer.serve { _, answer in
            try await answer.hang()
        } during: { server in
            #expect(await code { _ = try await client.collect(get(server, limits: impatient)) } == .timeout)
        }
    }

    @Test("A head alone does not count as a first byte")
    func headOnly() async throws {
        try await StubServer.serve { _, answer in
            try await answer.begin(contentType: "text/plain")
            try await answer.hang()
        } during: { server in
            let code = await code {
                for try await _ in try await client.stream(get(server, limits: impatient)).body {}
            }
            #expect(code == .timeout)
        }
    }

    @Test("A server that falls silent in the middle is given up after the stall limit")
    func stall() async throws {
        try await StubServer.serve { _, answer in
            try await answer.begin(contentType: "text/plain")
            try await answer.write("so far")
            try await answer.hang()
        } during: { server in
            let received = Mutex("")
            let code = await code {
                for try await piece in try await client.stream(get(server, limits: quicklyStalled)).body {
                    received.withLock { $0 += String(buffer: piece) }
                }
            }
            #expect(code == .timeout)
            #expect(received.withLock { $0 } == "so far")
        }
    }

    @Test("An answer that is cut off is interrupted, not short", arguments: [true, false])
    func cutOff(isStream: Bool) async throws {
        try await StubServer.serve { _, answer in
            try await answer.begin(contentType: "text/plain")
            try await answer.write("half of ")
            answer.cut()
        } during: { server in
            let code = await code {
                if isStream {
                    for try await _ in try await client.stream(get(server)).body {}
                } else {
                    _ = try await client.collect(get(server))
                }
            }
            #expect(code == .interrupted)
        }
    }

    @Test("An answer longer than its limit is refused")
    func tooLong() async throws {
        try await StubServer.serve { _, answer in
            try await answer.send(String(repeating: "x", count: 1_001))
        } during: { server in
            #expect(await code { _ = try await client.collect(get(server, limits: small)) } == .invalidAnswer)
        }
    }

    @Test("Dropping a stream closes its connection, so that the server stops working")
    func dropping() async throws {
        try await StubServer.serve { _, answer in
            try await answer.begin(contentType: "text/plain")
            while true {
                try await answer.write("more ")
                await Task.yield()
            }
        } during: { server in
            for try await _ in try await client.stream(get(server)).body { break }
            await server.clientGone()
        }
    }

    @Test("Cancelling a task that waits for an answer closes its connection")
    func cancelling() async throws {
        try await StubServer.serve { _, answer in
            try await answer.hang()
        } during: { server in
            let waiting = Task { try await client.collect(get(server)) }
            while server.requests.isEmpty { await Task.yield() }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { _ = try await waiting.value }
            await server.clientGone()
        }
    }

    @Test("A server that closed its idle connection is simply asked again on a new one")
    func staleConnection() async throws {
        let listener = try await RawListener.open { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }
        let request = UpstreamRequest(.GET, HTTPAddress(host: "127.0.0.1", port: listener.port), path: "/")
        for _ in 0..<50 { #expect(String(buffer: try await client.collect(request).body) == "ok") }
        try await listener.close()
    }

    @Test("A reader that takes its time loses nothing and is not taken for a stalled server")
    func slowReader() async throws {
        let size = 4 << 20
        try await StubServer.serve { _, answer in
            try await answer.begin(contentType: "application/octet-stream")
            let piece = [UInt8](repeating: 7, count: 64 << 10)
            for _ in 0..<(size / piece.count) { try await answer.write(bytes: piece) }
            try await answer.end()
        } during: { server in
            var received = 0
            for try await piece in try await client.stream(get(server)).body {
                received += piece.readableBytes
                for _ in 0..<50 { await Task.yield() }
            }
            #expect(received == size)
        }
    }

    @Test("What is not HTTP is told apart from a broken connection")
    func notHTTP() async throws {
        let listener = try await RawListener.open { "SSH-2.0-OpenSSH_9.9\r\n" }
        let request = UpstreamRequest(.GET, HTTPAddress(host: "127.0.0.1", port: listener.port), path: "/")
        #expect(await code { _ = try await client.collect(request) } == .invalidAnswer)
        try await listener.close()
    }
}
