// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import KithTransport

/// What one request leaves behind must not be felt by the next on the same connection.
@Suite("Reused connections", .timeLimit(.minutes(2)))
struct ConnectionReuseTests {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    private static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    private func chunk(_ text: String) -> String { String(text.utf8.count, radix: 16) + "\r\n\(text)\r\n" }

    /// One event loop, so that there is one pool.
    private func withClient(_ body: (UpstreamClient) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = UpstreamClient(group: group)
        let result: Result<Void, any Error>
        do { result = .success(try await body(client)) } catch { result = .failure(error) }
        await client.shutDown()
        try await group.shutdownGracefully()
        try result.get()
    }

    private func failure(_ operation: () async throws -> Void) async -> ChatError? {
        do {
            try await operation()
            return nil
        } catch {
            return error as? ChatError
        }
    }

    @Test("A reused connection is not closed by the late reader of the exchange before it")
    func lateReader() async throws {
        let second = Mutex<(any Channel)?>(nil)
        try await ScriptedServer.run { asked, channel in
            switch asked.path {
            case "/first": channel.say(Self.ok)
            default:
                second.withLock { $0 = channel }  // before the client can know of it
                channel.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhal")
            }
        } during: { server, address in
            try await withClient { client in
                var first: UpstreamResponse? = try await client.stream(
                    UpstreamRequest(.GET, address, path: "/first"))
                #expect(first?.status == 200)
                let next = try await client.stream(UpstreamRequest(.POST, address, path: "/second"))
                first = nil  // the reader of the first answer leaves it unread, while the second is half there
                second.withLock { $0?.say("ves") }
                #expect(String(buffer: try await next.body.collect(upTo: 100)) == "halves")
                #expect(server.connections == 1)
            }
        }
    }

    @Test("Readers that leave at random harm no other's answer on connections that are kept open")
    func leavers() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        try await ScriptedServer.run { asked, channel in
            channel.say(Self.chunked)
            for number in 0..<3 { channel.say(self.chunk("\(asked.path)-\(number) ")) }
            channel.say("0\r\n\r\n")
        } during: { server, address in
            try await withClient { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<16 {
                        group.addTask {
                            var generator = SeededGenerator(seed: seed &+ UInt64(worker))
                            for number in 0..<60 {
                                try await ask(
                                    client, address, path: "/\(worker).\(number)",
                                    way: Int.random(in: 0..<5, using: &generator))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(server.connections < 600, "connections are kept")
            }
        }
    }

    private func ask(_ client: UpstreamClient, _ address: HTTPAddress, path: String, way: Int) async throws {
        let request = UpstreamRequest(.POST, address, path: path, body: ByteBuffer(string: "{}"))
        let whole = (0..<3).map { "\(path)-\($0) " }.joined()
        switch way {
        case 0: #expect(String(buffer: try await client.collect(request).body) == whole)
        case 1: #expect(try await client.stream(request).status == 200)  // leaves before the first piece
        case 2:
            for try await piece in try await client.stream(request).body {
                #expect(whole.hasPrefix(String(buffer: piece)))
                break
            }
        case 3:
            let reading = Task { try await client.stream(request).body.collect(upTo: 1_000) }
            reading.cancel()
            if let body = try? await reading.value { #expect(String(buffer: body) == whole) }
        default: #expect(String(buffer: try await client.stream(request).body.collect(upTo: 1_000)) == whole)
        }
    }

    @Test("A POST that a closing connection may have read is not sent again, a GET is", arguments: [true, false])
    func repeated(isGet: Bool) async throws {
        try await ScriptedServer.run { asked, channel in
            if asked.connection == 0, asked.number == 1 { channel.close(promise: nil) } else { channel.say(Self.ok) }
        } during: { server, address in
            try await withClient { client in
                let request = UpstreamRequest(isGet ? .GET : .POST, address, path: "/")
                _ = try await client.collect(request)
                let failure = await failure {
                    let reply = try await client.collect(request)
                    #expect(String(buffer: reply.body) == "ok")
                }
                #expect(failure?.code == (isGet ? nil : .interrupted))
                #expect(failure?.message.contains("not sent again") != false)
                #expect(server.asked.count == (isGet ? 3 : 2))
            }
        }
    }

    @Test("A connection that its server has closed is not used, not even for a POST")
    func stale() async throws {
        let channels = Mutex<[any Channel]>([])
        try await ScriptedServer.run { _, channel in
            channels.withLock { $0.append(channel) }
            channel.say(Self.ok)
        } during: { server, address in
            try await withClient { client in
                for round in 0..<30 {
                    let reply = try await client.collect(UpstreamRequest(.POST, address, path: "/\(round)"))
                    #expect(reply.status == 200)
                    try await channels.withLock { $0.last }?.close()
                }
                #expect(server.asked.count == 30)
            }
        }
    }

    @Test("More bytes than one answer are not taken for the next one's")
    func unasked() async throws {
        try await ScriptedServer.run { asked, channel in
            channel.say(Self.ok.replacing("ok", with: "\(asked.connection)\(asked.number)") + Self.ok)
        } during: { server, address in
            try await withClient { client in
                for round in 0..<5 {
                    let reply = try await client.collect(UpstreamRequest(.GET, address, path: "/"))
                    #expect(String(buffer: reply.body) == "\(round)0")
                }
            }
        }
    }

    @Test("An answer that comes before the request is read counts, and the connection is closed")
    func earlyAnswer() async throws {
        try await ScriptedServer.run(readsBodies: false) { asked, channel in
            channel.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
        } during: { server, address in
            try await withClient { client in
                for _ in 0..<2 {
                    let request = UpstreamRequest(
                        .POST, address, path: "/", body: ByteBuffer(repeating: 7, count: 16 << 20))
                    let reply = try await client.collect(request)
                    #expect(reply.status == 413)
                    #expect(String(buffer: reply.body) == "large")
                }
                #expect(server.connections == 2)
            }
        }
    }

    @Test("A large request arrives whole")
    func largeRequest() async throws {
        try await ScriptedServer.run { asked, channel in
            let text = "\(asked.bytes)"
            channel.say("HTTP/1.1 200 OK\r\nContent-Length: \(text.count)\r\n\r\n\(text)")
        } during: { server, address in
            try await withClient { client in
                for size in [0, 1, 128 << 10, (128 << 10) + 1, 300_001] {
                    let reply = try await client.collect(
                        UpstreamRequest(.POST, address, path: "/", body: ByteBuffer(repeating: 7, count: size)))
                    #expect(String(buffer: reply.body) == "\(size)")
                }
                #expect(server.connections == 1)
            }
        }
    }

    @Test(
        "A body that the end of the connection ends is whole",
        arguments: [
            "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
        ])
    func endedByEnd(head: String) async throws {
        try await ScriptedServer.run { _, channel in
            channel.say(head + "all of it", thenClose: ())
        } during: { _, address in
            try await withClient { client in
                for _ in 0..<2 {
                    let request = UpstreamRequest(.POST, address, path: "/")
                    #expect(String(buffer: try await client.collect(request).body) == "all of it")
                    let body = try await client.stream(request).body.collect(upTo: 100)
                    #expect(String(buffer: body) == "all of it")
                }
            }
        }
    }

    @Test(
        "A body that is cut is interrupted",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall", chunked + "5\r\nal", chunked + "3\r\nall\r\n", chunked,
        ])
    func cut(answer: String) async throws {
        try await ScriptedServer.run { _, channel in
            channel.say(answer, thenClose: ())
        } during: { server, address in
            try await withClient { client in
                let request = UpstreamRequest(.POST, address, path: "/")
                #expect(await failure { _ = try await client.collect(request) }?.code == .interrupted)
                #expect(server.asked.count == 1)
            }
        }
    }

    @Test("Large headers are read, larger ones refused, and what announces an answer is passed over")
    func headers() async throws {
        try await ScriptedServer.run { asked, channel in
            let size = Int(asked.path.dropFirst()) ?? 0
            let fields = (0..<(size >> 10)).map { "X-\($0): " + String(repeating: "x", count: 1_010) + "\r\n" }
            channel.say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n")
            channel.say("HTTP/1.1 200 OK\r\n\(fields.joined())Content-Length: 0\r\n\r\n")
        } during: { _, address in
            try await withClient { client in
                let reply = try await client.collect(UpstreamRequest(.GET, address, path: "/\(50 << 10)"))
                #expect(reply.status == 200)
                #expect(reply.headers.count == 51)
                let failure = await failure {
                    _ = try await client.collect(UpstreamRequest(.GET, address, path: "/\(80 << 10)"))
                }
                #expect(failure?.code == .invalidAnswer)
            }
        }
    }

    @Test("A request that would not stay one request is not sent", arguments: ["/a b", "/a\r\nX: y", "/a\u{7F}"])
    func unsendable(path: String) async throws {
        try await ScriptedServer.run { _, channel in
            channel.say(Self.ok)
        } during: { server, address in
            try await withClient { client in
                let failure = await failure {
                    _ = try await client.collect(UpstreamRequest(.GET, address, path: path))
                }
                #expect(failure?.code == .invalidRequest)
                let other = await self.failure {
                    _ = try await client.collect(
                        UpstreamRequest(.GET, address, path: "/", headers: ["X-A": "1\r\nX-B: 2"]))
                }
                #expect(other?.code == .invalidRequest)
                #expect(server.asked.isEmpty)
            }
        }
    }
}
