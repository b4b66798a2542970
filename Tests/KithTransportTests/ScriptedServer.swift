// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import NIOPosix
import Synchronization

/// A server that keeps its connections open and writes the very bytes that a test says, for each request that has come.
final class ScriptedServer: Sendable {
    struct Asked: Sendable {
        /// Which connection, from 0, and which request on it, from 0.
        var connection: Int
        var number: Int
        var method: String
        var path: String
        /// Of the body, as far as it has come.
        var bytes: Int
    }

    /// Called on the connection's event loop.
    typealias Script = @Sendable (Asked, any Channel) -> Void

    private struct Seen {
        var connections = 0
        var asked: [Asked] = []
    }

    private let script: Script
    private let seen = Mutex(Seen())

    private init(_ script: @escaping Script) { self.script = script }

    /// - Parameter readsBodies: Whether a request is answered when it is whole, or once, when its head is there, and
    ///   not read any further.
    static func run(
        readsBodies: Bool = true, _ script: @escaping Script,
        during body: (ScriptedServer, HTTPAddress) async throws -> Void
    ) async throws {
        let server = ScriptedServer(script)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ScriptedConnection(server, number: server.connected(), readsBodies: readsBodies))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = HTTPAddress(host: "127.0.0.1", port: channel.localAddress?.port ?? 0)
        do {
            try await body(server, address)
        } catch {
            try await channel.close()
            throw error
        }
        try await channel.close()
    }

    var asked: [Asked] { seen.withLock { $0.asked } }
    var connections: Int { seen.withLock { $0.connections } }

    private func connected() -> Int {
        seen.withLock { seen in
            defer { seen.connections += 1 }
            return seen.connections
        }
    }

    fileprivate func answer(_ asked: Asked, on channel: any Channel) {
        seen.withLock { $0.asked.append(asked) }
        script(asked, channel)
    }
}

extension Channel {
    /// Writes bytes of an answer.
    func say(_ text: String) { writeAndFlush(ByteBuffer(string: text), promise: nil) }

    /// Closes when what was said is out.
    func say(_ text: String, thenClose: ()) {
        writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in self.close(promise: nil) }
    }
}

private final class ScriptedConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let server: ScriptedServer
    private let connection: Int
    private let readsBodies: Bool
    private var number = 0
    private var received: [UInt8] = []
    private var isDone = false

    init(_ server: ScriptedServer, number: Int, readsBodies: Bool) {
        self.server = server
        connection = number
        self.readsBodies = readsBodies
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytesView
        while !isDone, let end = headEnd {
            let head = String(decoding: received[..<end], as: UTF8.self)
            let words = head.prefix { $0 != "\r\n" }.split(separator: " ")
            let length =
                head.split(separator: "\r\n").compactMap { line -> Int? in
                    let parts = line.split(separator: ":")
                    guard parts.count == 2, parts[0].lowercased() == "content-length" else { return nil }
                    return Int(parts[1].drop { $0 == " " })
                }.first ?? 0
            guard !readsBodies || received.count >= end + length else { return }
            let asked = ScriptedServer.Asked(
                connection: connection, number: number, method: String(words.first ?? ""),
                path: String(words.dropFirst().first ?? ""), bytes: readsBodies ? length : received.count - end)
            number += 1
            if readsBodies {
                received.removeFirst(end + length)
            } else {
                isDone = true
                context.channel.setOption(.autoRead, value: false).whenComplete { _ in }
            }
            server.answer(asked, on: context.channel)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// After the empty line.
    private var headEnd: Int? {
        guard received.count >= 4 else { return nil }
        return (4...received.count).first { received[($0 - 4)..<$0].elementsEqual([13, 10, 13, 10]) }
    }
}
