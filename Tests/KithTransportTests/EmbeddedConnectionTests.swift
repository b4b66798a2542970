// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import KithTransport

/// One connection without a socket and with a clock that is moved by hand.
@Suite("A connection without a socket", .timeLimit(.minutes(2)))
struct EmbeddedConnectionTests {
    private let request = UpstreamRequest(.GET, HTTPAddress(host: "127.0.0.1", port: 1), path: "/")

    private func open(holding writes: HeldWrites? = nil) throws -> Opened {
        let channel = EmbeddedChannel()
        let owner = Owner()
        if let writes { try channel.pipeline.syncOperations.addHandler(writes) }
        try channel.pipeline.syncOperations.addHTTPClientHandlers()
        let connection = UpstreamConnection(
            channel: channel, origin: UpstreamOrigin(request.address), owner: owner, keepAlive: .seconds(30))
        try channel.pipeline.syncOperations.addHandler(connection)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return Opened(channel: channel, connection: connection, owner: owner)
    }

    @Test("Whatever bytes come in whatever pieces, each exchange ends once and nothing traps")
    func fuzz() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for round in 0..<3_000 {
            let opened = try open()
            var (number, handlers) = (0, [RecordingHandler]())
            while opened.connection.isUsable, number < 4 {
                let handler = RecordingHandler()
                handlers.append(handler)
                let exchange = UpstreamExchange(request, handler: handler, eventLoop: opened.channel.eventLoop)
                exchange.hasBegun()
                opened.connection.start(exchange)
                number += 1
                opened.owner.released = 0
                var bytes = ByteBuffer(bytes: OddAnswer.bytes(using: &generator))
                while bytes.readableBytes > 0, opened.channel.isActive {
                    let length = Int.random(in: 1...bytes.readableBytes, using: &generator)
                    guard let part = bytes.readSlice(length: length) else { break }
                    // Errors were caught by the connection, which is the last handler.
                    _ = try? opened.channel.writeInbound(part)
                    if Int.random(in: 0..<30, using: &generator) == 0 { exchange.holdReads() }
                    if Int.random(in: 0..<30, using: &generator) == 0 { exchange.resumeReads() }
                }
                if opened.owner.released == 0 { break }
            }
            _ = try? opened.channel.finish(acceptAlreadyClosed: true)
            for repeated in opened.owner.repeated { repeated.end(nil) }
            #expect(handlers.allSatisfy { $0.isOrderly }, "seed \(seed), round \(round): \(handlers.map(\.words))")
        }
    }

    @Test("An upload that makes progress is not cut off, one that makes none is; then the first byte has its own time")
    func slowUpload() throws {
        let writes = HeldWrites()
        let opened = try open(holding: writes)
        let handler = RecordingHandler()
        var request = UpstreamRequest(
            .POST, self.request.address, path: "/", body: ByteBuffer(repeating: 1, count: 1 << 20))
        request.limits = UpstreamLimits(firstByte: .seconds(10), stall: .seconds(30))
        let exchange = UpstreamExchange(request, handler: handler, eventLoop: opened.channel.eventLoop)
        exchange.hasBegun()
        opened.connection.start(exchange)
        var parts = 0
        while writes.letGo() {
            parts += 1
            opened.channel.embeddedEventLoop.advanceTime(by: .seconds(writes.isEmpty ? 9 : 29))
            #expect(handler.words.isEmpty)
        }
        #expect(parts == 8)
        opened.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(handler.words == [.failed(.timeout)])

        let stuck = try open(holding: HeldWrites())
        let other = RecordingHandler()
        let second = UpstreamExchange(request, handler: other, eventLoop: stuck.channel.eventLoop)
        second.hasBegun()
        stuck.connection.start(second)
        stuck.channel.embeddedEventLoop.advanceTime(by: .seconds(31))
        #expect(other.words == [.failed(.timeout)])
    }

    @Test("A slow reader does not stall, and a shorter stall limit holds from when it is set")
    func limits() throws {
        let opened = try open()
        let handler = RecordingHandler()
        let exchange = UpstreamExchange(request, handler: handler, eventLoop: opened.channel.eventLoop)
        exchange.hasBegun()
        opened.connection.start(exchange)
        let loop = opened.channel.embeddedEventLoop
        try opened.channel.writeInbound(
            ByteBuffer(string: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"))
        loop.advanceTime(by: .seconds(29))
        exchange.holdReads()
        loop.advanceTime(by: .seconds(1_000))  // a slow reader is not a stalled server
        exchange.resumeReads()
        exchange.limitStalls(to: .seconds(5))
        loop.advanceTime(by: .seconds(4))
        #expect(!handler.words.contains(.failed(.timeout)))
        loop.advanceTime(by: .seconds(2))
        #expect(handler.words == [.head(200), .piece("one"), .readEnded, .failed(.timeout)])
    }

    @Test("A second answer in one read is nobody's, even if the next request is made as soon as it can be")
    func twoAnswers() throws {
        let opened = try open()
        let (first, second) = (RecordingHandler(), RecordingHandler())
        opened.owner.onRelease = { connection in
            let next = UpstreamExchange(self.request, handler: second, eventLoop: opened.channel.eventLoop)
            next.hasBegun()
            connection.start(next)
        }
        let exchange = UpstreamExchange(request, handler: first, eventLoop: opened.channel.eventLoop)
        exchange.hasBegun()
        opened.connection.start(exchange)
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        _ = try? opened.channel.writeInbound(ByteBuffer(string: answer + answer))
        #expect(first.words == [.head(200), .piece("ok"), .whole])
        #expect(second.words.isEmpty)
        #expect(!opened.channel.isActive)
    }

    @Test("So many connections rest for one origin and for all; the one that rests longest makes room")
    func bounds() {
        func connection(_ port: Int) -> UpstreamConnection {
            UpstreamConnection(
                channel: EmbeddedChannel(), origin: UpstreamOrigin(HTTPAddress(host: "127.0.0.1", port: port)),
                owner: Owner(), keepAlive: .seconds(30))
        }
        var idle = IdleConnections()
        let ofOne = (0...IdleConnections.originLimit).map { _ in connection(1) }
        for (index, one) in ofOne.enumerated() {
            #expect(idle.add(one) === (index == IdleConnections.originLimit ? ofOne[0] : nil))
        }
        for port in 2...IdleConnections.limit - IdleConnections.originLimit + 1 {
            #expect(idle.add(connection(port)) == nil)
        }
        #expect(idle.add(connection(9_000)) === ofOne[1], "all origins together")
        #expect(idle.take(for: ofOne[0].origin) === ofOne.last, "the one that rests shortest is used")
        idle.remove(ofOne[2])
        idle.remove(ofOne[2])
        #expect(idle.takeAll().count == IdleConnections.limit - 2)
        #expect(idle.take(for: ofOne[0].origin) == nil)
    }

    @Test("A connection that rests is closed after its time, or when something comes that nobody asked for")
    func rest() throws {
        for isAsked in [true, false] {
            let opened = try open()
            let handler = RecordingHandler()
            let exchange = UpstreamExchange(request, handler: handler, eventLoop: opened.channel.eventLoop)
            exchange.hasBegun()
            opened.connection.start(exchange)
            try opened.channel.writeInbound(ByteBuffer(string: "HTTP/1.1 204 No Content\r\n\r\n"))
            #expect(handler.words == [.head(204), .whole])
            #expect(opened.owner.released == 1)
            opened.channel.embeddedEventLoop.advanceTime(by: .seconds(29))
            #expect(opened.channel.isActive)
            if isAsked {
                opened.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
            } else {
                _ = try? opened.channel.writeInbound(ByteBuffer(string: "HTTP/1.1 204 No Content\r\n\r\n"))
            }
            #expect(!opened.channel.isActive)
            #expect(opened.owner.forgotten > 0)
        }
    }
}

private struct Opened {
    let channel: EmbeddedChannel
    let connection: UpstreamConnection
    let owner: Owner
}

private final class Owner: UpstreamConnectionOwner {
    var released = 0
    var forgotten = 0
    var repeated: [UpstreamExchange] = []
    var onRelease: (UpstreamConnection) -> Void = { _ in }

    func release(_ connection: UpstreamConnection) {
        released += 1
        onRelease(connection)
    }

    func forget(_ connection: UpstreamConnection) { forgotten += 1 }
    func close(_ channel: any Channel) { channel.close(promise: nil) }
    func connect(for exchange: UpstreamExchange) { repeated.append(exchange) }
}

/// A socket that takes a part of the request when the test says so.
private final class HeldWrites: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private var held: [EventLoopPromise<Void>] = []

    var isEmpty: Bool { held.isEmpty }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if let promise { held.append(promise) }
    }

    /// - Returns: Whether there was something.
    func letGo() -> Bool {
        guard !held.isEmpty else { return false }
        held.removeFirst().succeed()
        return true
    }
}

/// Answers as engines give them, and what may become of them: cut, doubled, with bytes changed, or of no sense at all.
private enum OddAnswer {
    private static let whole = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nX-T: 1\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nto the end",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nmore",
        "HTTP/1.1 200\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "HTTP/2.0 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
    ]

    static func bytes(using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = Array((whole.randomElement(using: &generator) ?? "").utf8)
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: bytes += bytes
        case 1: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
        case 2, 3:
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
        case 4:
            let start = Int.random(in: 0..<bytes.count, using: &generator)
            bytes.insert(contentsOf: bytes[start...], at: Int.random(in: 0...bytes.count, using: &generator))
        case 5:
            bytes = (0..<Int.random(in: 1...200, using: &generator)).map { _ in .random(in: 0...255, using: &generator)
            }
        default: break
        }
        return bytes
    }
}
