// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Where a connection leads; connections to the same place are interchangeable.
struct UpstreamOrigin: Hashable, Sendable, CustomStringConvertible {
    var scheme: HTTPAddress.Scheme
    var host: String
    var port: Int

    init(_ address: HTTPAddress) {
        scheme = address.scheme
        host = address.host
        port = address.port
    }

    var description: String { HTTPAddress(scheme: scheme, host: host, port: port).description }
}

/// The connections of one event loop. Bound to that loop, so that a request, its upstream connection and its answer
/// never change threads.
final class UpstreamPool: UpstreamConnectionOwner {
    private static let idleLimit = 64
    private static let keepAlive = Duration.seconds(30)
    /// A connection keeps the memory that it received into: room for the head or some tokens, growing where more comes.
    private static let receiving = AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 512, maximum: 64 << 10)

    private let eventLoop: any EventLoop
    private let tls: UpstreamTLS
    private var idle: [UpstreamOrigin: [UpstreamConnection]] = [:]
    private var isShutDown = false

    init(eventLoop: any EventLoop, tls: UpstreamTLS) {
        self.eventLoop = eventLoop
        self.tls = tls
    }

    func run(_ exchange: UpstreamExchange) {
        let origin = UpstreamOrigin(exchange.request.address)
        while let connection = idle[origin]?.popLast() {
            if connection.isUsable { return connection.start(exchange) }
        }
        connect(for: exchange)
    }

    func connect(for exchange: UpstreamExchange) {
        guard !isShutDown else { return exchange.end(.failure(ChatFailure(.cancelled, "this node is stopping"))) }
        let origin = UpstreamOrigin(exchange.request.address)
        let pool = NIOLoopBound(self, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(exchange.request.limits.connect))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.recvAllocator, value: Self.receiving)
            .channelInitializer { [tls] channel in
                channel.eventLoop.makeCompletedFuture {
                    if origin.scheme == .https { try tls.secure(channel, host: origin.host) }
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(
                        UpstreamConnection(channel: channel, origin: origin, owner: pool.value))
                }
            }
            .connect(host: origin.host, port: origin.port)
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    do {
                        try channel.pipeline.syncOperations.handler(type: UpstreamConnection.self).start(exchange)
                    } catch {
                        exchange.end(.failure(ChatFailure(.unreachable, "cannot use \(origin)", cause: error)))
                    }
                case .failure(let error):
                    exchange.end(.failure(ChatFailure(.unreachable, "cannot connect to \(origin)", cause: error)))
                }
            }
    }

    func mayRelease(after head: HTTPResponseHead) -> Bool { head.isKeepAlive }

    func release(_ connection: UpstreamConnection) {
        guard !isShutDown, idle[connection.origin, default: []].count < Self.idleLimit else {
            return connection.close()
        }
        connection.rest(for: Self.keepAlive)
        idle[connection.origin, default: []].append(connection)
    }

    func forget(_ connection: UpstreamConnection) {
        idle[connection.origin]?.removeAll { $0 === connection }
        if idle[connection.origin]?.isEmpty == true { idle[connection.origin] = nil }
    }

    func shutDown() {
        isShutDown = true
        let connections = idle.values.flatMap { $0 }
        idle = [:]
        for connection in connections { connection.close() }
    }
}
