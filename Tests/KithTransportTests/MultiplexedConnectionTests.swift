// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import KithTransport

@Suite("Many exchanges on one connection", .timeLimit(.minutes(2)))
struct MultiplexedConnectionTests {
    private func withConnection(
        _ script: @escaping StreamAnswers.Script, _ body: (MultiplexedConnection, HTTPAddress) async throws -> Void
    ) async throws {
        let tls = try OwnCertificate().serverContext(protocols: ["h2"])
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: tls))
                    _ = try pipeline.configureHTTP2Pipeline(
                        mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTP1ServerCodec())
                            try stream.pipeline.syncOperations.addHandler(StreamAnswers(script))
                        }
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = server.localAddress?.port ?? 0
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: configuration)
        let connection = try await MultiplexedConnection.connect(
            to: try #require(PeerAddress(host: "127.0.0.1", port: port)), limit: .seconds(10),
            group: MultiThreadedEventLoopGroup.singleton
        ) { channel in
            try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
        }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(connection, HTTPAddress(scheme: .https, host: "127.0.0.1", port: port)))
        } catch {
            result = .failure(error)
        }
        connection.close()
        try await server.close()
        try result.get()
    }

    private static let echo: StreamAnswers.Script = { path, size, channel in
        channel.begin(200)
        for number in 0..<3 { channel.tell("\(path)-\(number)-\(size) ") }
        channel.end()
    }

    private func whole(_ path: String, _ size: Int) -> String {
        (0..<3).map { "\(path)-\($0)-\(size) " }.joined()
    }

    @Test("Answers come back whole whatever the size of the request, and those who leave harm no other")
    func leavers() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        try await withConnection(Self.echo) { connection, address in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<16 {
                    group.addTask {
                        var generator = SeededGenerator(seed: seed &+ UInt64(worker))
                        for number in 0..<30 {
                            let path = "/\(worker).\(number)"
                            let size = number == 0 ? 400_000 : 2
                            let request = UpstreamRequest(
                                .POST, address, path: path, body: ByteBuffer(repeating: 7, count: size))
                            switch Int.random(in: 0..<4, using: &generator) {
                            case 0: #expect(try await connection.stream(request).status == 200)
                            case 1:
                                let reading = Task { try await connection.collect(request) }
                                reading.cancel()
                                _ = try? await reading.value
                            case 2:
                                let reply = try await connection.collect(request)
                                #expect(String(buffer: reply.body) == whole(path, size))
                            default:
                                let body = try await connection.stream(request).body.collect(upTo: 10_000)
                                #expect(String(buffer: body) == whole(path, size))
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(connection.isActive)
        }
    }

    @Test("A handler is told on its own event loop, in order, wherever the connection lives")
    func loops() async throws {
        try await withConnection(Self.echo) { connection, address in
            for eventLoop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
                let handler = RecordingHandler { word in eventLoop.assertInEventLoop() }
                try await eventLoop.submit {
                    _ = connection.start(UpstreamRequest(.GET, address, path: "/a"), on: eventLoop, handler: handler)
                    #expect(handler.words.isEmpty)
                }.get()
                await handler.ended()
                #expect(handler.words.first == .head(200))
                #expect(handler.text == whole("/a", 0))
                #expect(handler.isOrderly)
                #expect(handler.words.last == .whole)
            }
        }
    }

    @Test("After a cancellation on the handler's event loop nothing more is told")
    func cancelled() async throws {
        try await withConnection { path, _, channel in
            channel.begin(200)
            channel.tell("one")
            if path == "/whole" { channel.end() }
        } _: { connection, address in
            for eventLoop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
                for path in ["/whole", "/open"] {
                    let call = Mutex<UpstreamCall?>(nil)
                    let handler = RecordingHandler { _ in call.withLock { $0 }?.cancel() }
                    try await eventLoop.submit {
                        let begun = connection.start(
                            UpstreamRequest(.GET, address, path: path), on: eventLoop, handler: handler)
                        call.withLock { $0 = begun }
                    }.get()
                    await handler.wait { !$0.isEmpty }
                    _ = try await connection.collect(UpstreamRequest(.GET, address, path: "/whole"))
                    #expect(handler.words == [.head(200)])
                }
            }
            #expect(connection.isActive)
        }
    }

    @Test("A large answer comes whole and in order to a handler on any event loop, held now and then")
    func large() async throws {
        let count = 400
        try await withConnection { _, _, channel in
            channel.begin(200)
            for number in 0..<count { channel.tell(String(repeating: "\(number % 10)", count: 16 << 10)) }
            channel.end()
        } _: { connection, address in
            for eventLoop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
                let call = Mutex<UpstreamCall?>(nil)
                let handler = RecordingHandler { word in
                    guard case .piece = word, let call = call.withLock({ $0 }) else { return }
                    call.holdReads()
                    eventLoop.execute { call.resumeReads() }
                }
                try await eventLoop.submit {
                    let begun = connection.start(
                        UpstreamRequest(.GET, address, path: "/"), on: eventLoop, handler: handler)
                    call.withLock { $0 = begun }
                }.get()
                await handler.ended()
                #expect(handler.words.last == .whole)
                let text = handler.text
                #expect(text.utf8.count == count << 14)
                #expect(text == (0..<count).map { String(repeating: "\($0 % 10)", count: 16 << 10) }.joined())
            }
        }
    }

    @Test("A stream that its server resets is interrupted, and one that it did not look at says so")
    func reset() async throws {
        try await withConnection { path, _, channel in
            if path == "/cut" { channel.begin(200) }
            if path == "/refused" { channel.refuse() } else { channel.close(promise: nil) }
        } _: { connection, address in
            for (path, code) in [
                ("/cut", ChatError.Code.interrupted), ("/reset", .interrupted), ("/refused", .unreachable),
            ] {
                let failure = await #expect(throws: ChatError.self) {
                    _ = try await connection.collect(UpstreamRequest(.POST, address, path: path))
                }
                #expect(failure?.code == code)
            }
            #expect(connection.isActive)
        }
    }

    @Test("Exchanges on a connection that is closed are interrupted, later ones unreachable")
    func closed() async throws {
        try await withConnection { _, _, channel in
            channel.begin(200)
            channel.tell("one")
        } _: { connection, address in
            var pieces = try await connection.stream(UpstreamRequest(.GET, address, path: "/")).body.makeAsyncIterator()
            #expect(try await pieces.next().map { String(buffer: $0) } == "one")
            connection.close()
            let failure = await #expect(throws: ChatError.self) { _ = try await pieces.next() }
            #expect(failure?.code == .interrupted)
            #expect(try await pieces.next() == nil)
            let later = await #expect(throws: ChatError.self) {
                _ = try await connection.collect(UpstreamRequest(.GET, address, path: "/"))
            }
            #expect(later?.code == .unreachable)
        }
    }
}

/// Answers one stream as a test says when its request is whole.
final class StreamAnswers: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    /// The path, the size of the body, and the stream.
    typealias Script = @Sendable (String, Int, any Channel) -> Void

    private let script: Script
    private var path = ""
    private var size = 0

    init(_ script: @escaping Script) { self.script = script }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): path = head.uri
        case .body(let piece): size += piece.readableBytes
        case .end: script(path, size, context.channel)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

extension Channel {
    fileprivate func begin(_ status: Int) {
        let head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status))
        writeAndFlush(HTTPServerResponsePart.head(head), promise: nil)
    }

    fileprivate func tell(_ text: String) {
        writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: text))), promise: nil)
    }

    fileprivate func end() { writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil) }

    /// Says that nothing was done about the request (RFC 9113, 8.7).
    fileprivate func refuse() {
        pipeline.context(handlerType: HTTP2FramePayloadToHTTP1ServerCodec.self).assumeIsolated().whenSuccess {
            context in
            context.writeAndFlush(NIOAny(HTTP2Frame.FramePayload.rstStream(.refusedStream)), promise: nil)
        }
    }
}
