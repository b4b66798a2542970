// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// The connections of one event loop. Bound to that loop, so that a request, its upstream connection and its answer
/// never change threads.
final class UpstreamPool: UpstreamConnectionOwner {
    private static let keepAlive = Duration.seconds(30)
    private static let handshake = Duration.seconds(10)
    /// A connection keeps the memory that it received into: room for the head or some tokens, growing where more comes.
    private static let receiving = AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 512, maximum: 64 << 10)

    private let eventLoop: any EventLoop
    private let tls: UpstreamTLS
    private var idle = IdleConnections()
    private var isShutDown = false

    init(eventLoop: any EventLoop, tls: UpstreamTLS) {
        self.eventLoop = eventLoop
        self.tls = tls
    }

    func run(_ exchange: UpstreamExchange) {
        let origin = UpstreamOrigin(exchange.request.address)
        while let connection = idle.take(for: origin) {
            if connection.isUsable { return connection.start(exchange) }
            connection.close()
        }
        connect(for: exchange)
    }

    func connect(for exchange: UpstreamExchange) {
        guard !exchange.isOver else { return }
        guard !isShutDown else { return exchange.end(ChatFailure(.cancelled, "this node is stopping")) }
        let origin = UpstreamOrigin(exchange.request.address)
        let exchange = NIOLoopBound(exchange, eventLoop: eventLoop)
        open(to: origin, within: exchange.value.limits.connect).assumeIsolated().whenComplete { result in
            do {
                try result.get().pipeline.syncOperations.handler(type: UpstreamConnection.self).start(exchange.value)
            } catch {
                let words =
                    UpstreamTLS.isRefusal(error)
                    ? "the TLS handshake with \(origin) failed" : "cannot connect to \(origin)"
                exchange.value.end(ChatFailure(.unreachable, words, cause: error))
            }
        }
    }

    /// - Returns: A connection that has shown its certificate, where it has to.
    private func open(to origin: UpstreamOrigin, within limit: Duration) -> EventLoopFuture<any Channel> {
        let pool = NIOLoopBound(self, eventLoop: eventLoop)
        let secured = origin.scheme == .https ? eventLoop.makePromise(of: Void.self) : nil
        let connecting = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(limit))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.recvAllocator, value: Self.receiving)
            .channelInitializer { [tls] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let secured {
                        try tls.secure(channel, host: origin.host)
                        try pipeline.addHandler(HandshakeHandler(secured))
                    }
                    let bytes = RequestBytes()
                    try pipeline.addHandler(bytes)
                    try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder(limitConfiguration: .upstream)))
                    try pipeline.addHandler(
                        UpstreamConnection(
                            channel: channel, origin: origin, owner: pool.value, bytes: bytes,
                            keepAlive: Self.keepAlive))
                }
            }
            .connect(host: origin.host, port: origin.port)
        guard let secured else { return connecting }
        let whole = TimeAmount(limit + max(limit, Self.handshake))
        let timeout = eventLoop.scheduleTask(in: whole) { secured.fail(ChannelError.connectTimeout(whole)) }
        secured.futureResult.whenComplete { _ in timeout.cancel() }
        connecting.cascadeFailure(to: secured)
        secured.futureResult.whenFailure { _ in connecting.whenSuccess { $0.close(promise: nil) } }
        return secured.futureResult.flatMap { connecting }
    }

    func release(_ connection: UpstreamConnection) {
        guard !isShutDown else { return connection.close() }
        idle.add(connection)?.close()
    }

    func forget(_ connection: UpstreamConnection) { idle.remove(connection) }

    func close(_ channel: any Channel) { channel.close(promise: nil) }

    func shutDown() {
        isShutDown = true
        for connection in idle.takeAll() { connection.close() }
    }
}

extension NIOHTTPDecoderLimitConfiguration {
    /// Engines and proxies before them send more than they should, and less than this.
    fileprivate static var upstream: Self {
        var limits = Self()
        limits.maxHeaderFieldSize = 32 << 10
        limits.maxHeaderListSize = 64 << 10
        limits.maxHeaderFieldCount = 256
        return limits
    }
}
