// SPDX-License-Identifier: Apache-2.0

package import KithModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOTLS

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The connections of one event loop. Bound to that loop, so that a request, its upstream connection and its answer
/// never change threads.
final class UpstreamPool: UpstreamConnectionOwner {
    /// Less than the five seconds after which llama.cpp's server and many others close a connection that rests: a request that is
    /// sent at that very moment may have been read, or not, and is an error.
    private static let keepAlive = Duration.seconds(4)
    /// Of connections to providers, which rest longer there, and whose handshakes take time.
    private static let keepAliveSecured = Duration.seconds(30)
    private static let handshake = Duration.seconds(10)
    /// A connection keeps the memory that it received into: room for the head or some tokens, growing where more comes.
    private static let receiving = AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 512, maximum: 64 << 10)

    /// Made before two event loops can need it at once: where two threads ask for a generic class for the first time, Swift 6.3's
    /// runtime was seen to check conformances of one that is half made, and to die (its PR 37656 mends a case of that).
    private static let decoderType: Any.Type = ByteToMessageHandler<HTTPResponseDecoder>.self

    private let eventLoop: any EventLoop
    private let tls: UpstreamTLS
    private var idle = IdleConnections()
    private var isShutDown = false

    init(eventLoop: any EventLoop, tls: UpstreamTLS) {
        _ = Self.decoderType
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
        guard !isShutDown else { return exchange.end(ChatError(.cancelled, "this node is stopping")) }
        let origin = UpstreamOrigin(exchange.request.address)
        let exchange = NIOLoopBound(exchange, eventLoop: eventLoop)
        open(to: origin, within: exchange.value.limits.connect).assumeIsolated().whenComplete { result in
            do {
                try result.get().pipeline.syncOperations.handler(type: UpstreamConnection.self).start(exchange.value)
            } catch {
                let place = exchange.value.request.subject.map { "\($0) at \(origin)" } ?? "\(origin)"
                let words =
                    UpstreamTLS.isRefusal(error)
                    ? "the TLS handshake with \(place) failed" : "cannot connect to \(place)"
                exchange.value.end(ChatError(.unreachable, words, cause: error))
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
                            keepAlive: secured == nil ? Self.keepAlive : Self.keepAliveSecured))
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

extension ChatError {
    /// Whether the host's name led to no address.
    package var isUnknownHost: Bool {
        guard let failure = cause as? NIOConnectionError else { return false }
        return failure.connectionErrors.isEmpty && (failure.dnsAError != nil || failure.dnsAAAAError != nil)
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

/// Idle connections; the most recently used is used first.
struct IdleConnections {
    /// For one origin.
    static let originLimit = 64
    /// For all origins together.
    static let limit = 256

    private var connections: [UpstreamOrigin: [(connection: UpstreamConnection, turn: UInt64)]] = [:]
    private var count = 0
    private var turn: UInt64 = 0

    mutating func take(for origin: UpstreamOrigin) -> UpstreamConnection? {
        guard let taken = connections[origin]?.popLast() else { return nil }
        removedOne(from: origin)
        return taken.connection
    }

    /// - Returns: The connection for which there is no room: the one that has been idle longest, of the same origin or of
    ///   all.
    mutating func add(_ connection: UpstreamConnection) -> UpstreamConnection? {
        var displaced: UpstreamConnection?
        if connections[connection.origin, default: []].count >= Self.originLimit {
            displaced = removeOldest(of: connection.origin)
        } else if count >= Self.limit,
            let oldest = connections.min(by: { ($0.value.first?.turn ?? .max) < ($1.value.first?.turn ?? .max) })
        {
            displaced = removeOldest(of: oldest.key)
        }
        turn += 1
        connections[connection.origin, default: []].append((connection, turn))
        count += 1
        return displaced
    }

    mutating func remove(_ connection: UpstreamConnection) {
        guard let index = connections[connection.origin]?.firstIndex(where: { $0.connection === connection }) else {
            return
        }
        connections[connection.origin]?.remove(at: index)
        removedOne(from: connection.origin)
    }

    mutating func takeAll() -> [UpstreamConnection] {
        defer { (connections, count) = ([:], 0) }
        return connections.values.flatMap { $0.map(\.connection) }
    }

    private mutating func removeOldest(of origin: UpstreamOrigin) -> UpstreamConnection? {
        guard connections[origin]?.isEmpty == false, let removed = connections[origin]?.removeFirst() else {
            return nil
        }
        removedOne(from: origin)
        return removed.connection
    }

    private mutating func removedOne(from origin: UpstreamOrigin) {
        count -= 1
        if connections[origin]?.isEmpty == true { connections[origin] = nil }
    }
}

/// The socket of a connection that rests between two requests.
///
/// Checked before each use of the connection, so it keeps the descriptor and does not ask the channel for it again.
struct RestingSocket {
    private let descriptor: CInt

    /// Must be called on the channel's event loop.
    ///
    /// - Returns: `nil` for a channel that is no socket.
    init?(of channel: any Channel) {
        guard
            let descriptor = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable({
                (descriptor: CInt) in descriptor
            })
        else { return nil }
        self.descriptor = descriptor
    }

    /// Whether something has come that the event loop has not read yet: the end of the connection, or bytes that nobody asked
    /// for.
    ///
    /// Must be called on the channel's event loop, while the channel is active: after that the number may be another's.
    var hasInput: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT))
        return count >= 0 || errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR
    }
}

/// Tells when the TLS handshake of a connection is over, and leaves.
final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let secured: EventLoopPromise<Void>

    init(_ secured: EventLoopPromise<Void>) { self.secured = secured }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard case .handshakeCompleted? = event as? TLSUserEvent else { return }
        secured.succeed()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        secured.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        secured.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
