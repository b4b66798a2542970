// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOTLS
import Synchronization

/// One HTTP/2 connection (RFC 9113) over TLS: many exchanges at once, each on a stream of its own.
package final class MultiplexedConnection: Sendable {
    package let address: PeerAddress
    private let channel: any Channel
    private let streams: NIOHTTP2Handler.StreamMultiplexer
    private let usage = Mutex(Usage())

    /// How many bytes of answers may be on their way.
    package enum Windows: Sendable {
        /// For many short answers side by side.
        case ordinary
        /// For a few long ones.
        case bulk

        fileprivate var stream: Int {
            switch self {
            case .ordinary: 1 << 18
            case .bulk: 1 << 20
            }
        }

        fileprivate var connection: Int {
            switch self {
            case .ordinary: 1 << 20
            case .bulk: 1 << 21
            }
        }
    }

    private struct Usage {
        var exchanges = 0
        var closesWhenIdle = false
    }

    private init(address: PeerAddress, channel: any Channel, streams: NIOHTTP2Handler.StreamMultiplexer) {
        self.address = address
        self.channel = channel
        self.streams = streams
    }

    /// Connects, and waits until the other side has proven who it is and speaks HTTP/2.
    ///
    /// - Parameters:
    ///   - windows: How much of answers may be on its way.
    ///   - secure: Adds the TLS handler; called on the channel's event loop.
    /// - Throws: The error of the connection or of the handshake, `ChannelError.connectTimeout` after `limit`,
    ///   `CancellationError`.
    package static func connect(
        to address: PeerAddress, limit: Duration, group: any EventLoopGroup, windows: Windows = .ordinary,
        secure: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> MultiplexedConnection {
        let eventLoop = group.next()  // also where this is called on one of them: all connections on one would be slow
        let ready = eventLoop.makePromise(of: NIOHTTP2Handler.StreamMultiplexer.self)
        let timeout = eventLoop.scheduleTask(in: TimeAmount(limit)) {
            ready.fail(ChannelError.connectTimeout(TimeAmount(limit)))
        }
        ready.futureResult.whenComplete { _ in timeout.cancel() }
        let connecting = bootstrap(on: eventLoop, limit: limit)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try secure(channel)
                    try channel.pipeline.syncOperations.addHandler(
                        SecuredHandler(configuration: Self.configuration(windows), ready: ready))
                }
            }
            .connect(host: address.host, port: address.port)
        connecting.cascadeFailure(to: ready)
        do {
            // Nothing waits for a connection that nobody wants any more, such as the loser of a race.
            let streams = try await withTaskCancellationHandler {
                try await ready.futureResult.get()
            } onCancel: {
                ready.fail(CancellationError())
            }
            return MultiplexedConnection(address: address, channel: try await connecting.get(), streams: streams)
        } catch {
            connecting.whenSuccess { $0.close(promise: nil) }
            throw error
        }
    }

    /// Sends a request and tells the handler on `eventLoop`, where this must be called, what becomes of it.
    package func start(
        _ request: UpstreamRequest, on eventLoop: any EventLoop, handler: any UpstreamResponseHandler
    ) -> UpstreamCall {
        if eventLoop === channel.eventLoop {
            let exchange = UpstreamExchange(request, handler: handler, eventLoop: eventLoop)
            run(exchange)
            exchange.hasBegun()
            return UpstreamCall(exchange)
        }
        let relay = UpstreamRelay(to: handler, on: eventLoop, from: channel.eventLoop)
        let exchange = NIOLoopBoundBox.makeBoxSendingValue(
            UpstreamExchange(request, handler: relay, eventLoop: channel.eventLoop), eventLoop: channel.eventLoop)
        channel.eventLoop.execute { [self] in
            relay.relays(exchange.value)
            run(exchange.value)
            exchange.value.hasBegun()
        }
        return UpstreamCall(exchange, relay: relay)
    }

    /// Sends a request and waits for the whole answer, whatever its status.
    ///
    /// - Throws: `ChatError` as given to `UpstreamResponseHandler.ended(_:)`; `CancellationError`.
    package func collect(_ request: UpstreamRequest) async throws -> UpstreamReply {
        try await ReplyCollector.collect(request, on: channel.eventLoop, run)
    }

    /// Sends a request and waits for the head of the answer, whatever its status.
    ///
    /// - Throws: As ``collect(_:)``.
    package func stream(_ request: UpstreamRequest) async throws -> UpstreamResponse {
        try await BodyBuffer.stream(request, on: channel.eventLoop, run)
    }

    package var isActive: Bool { channel.isActive }

    /// Where this side of the connection ends.
    package var localAddress: SocketAddress? { channel.localAddress }

    /// Calls `action` once when the connection has ended, at once if it has.
    package func whenClosed(_ action: @escaping @Sendable () -> Void) {
        channel.closeFuture.whenComplete { _ in action() }
    }

    /// Ends the connection and every exchange on it.
    package func close() { channel.close(promise: nil) }

    /// Ends the connection when the exchanges that are on it have ended.
    package func closeWhenIdle() {
        let isIdle = usage.withLock { usage in
            usage.closesWhenIdle = true
            return usage.exchanges == 0
        }
        if isIdle { close() }
    }

    private func exchangeEnded() {
        let isLast = usage.withLock { usage in
            usage.exchanges -= 1
            return usage.closesWhenIdle && usage.exchanges == 0
        }
        if isLast { close() }
    }

    /// Must be called on the channel's event loop.
    private func run(_ exchange: UpstreamExchange) {
        guard !exchange.isOver else { return }
        usage.withLock { $0.exchanges += 1 }
        let origin = UpstreamOrigin(exchange.request.address)
        let bound = NIOLoopBound(exchange, eventLoop: channel.eventLoop)
        streams.createStreamChannel { stream in
            stream.eventLoop.makeCompletedFuture {
                let pipeline = stream.pipeline.syncOperations
                try pipeline.addHandler(HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .https))
                try pipeline.addHandler(
                    UpstreamConnection(channel: stream, origin: origin, owner: StreamOwner(), keepAlive: nil))
            }
        }.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let stream): stream.closeFuture.whenComplete { _ in self.exchangeEnded() }
            case .failure: self.exchangeEnded()
            }
            do {
                try result.get().pipeline.syncOperations.handler(type: UpstreamConnection.self).start(bound.value)
            } catch {
                bound.value.end(ChatError(.unreachable, "the connection to \(origin) has ended", cause: error))
            }
        }
    }

    private static func bootstrap(on eventLoop: any EventLoop, limit: Duration) -> ClientBootstrap {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(limit))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        #if os(Linux)
            // TCP_USER_TIMEOUT (RFC 5482), in milliseconds: without it a connection whose other side has vanished is
            // kept by the kernel for a quarter of an hour.
            return bootstrap.channelOption(
                ChannelOptions.Types.SocketOption(level: .tcp, name: NIOBSDSocket.Option(rawValue: 18)), value: 10_000)
        #else
            return bootstrap
        #endif
    }

    private static func configuration(_ windows: Windows) -> NIOHTTP2Handler.Configuration {
        var configuration = NIOHTTP2Handler.Configuration()
        configuration.connection.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 16 << 10),
            HTTP2Setting(parameter: .initialWindowSize, value: windows.stream),
        ]
        if windows == .bulk {
            configuration.connection.initialSettings.append(.init(parameter: .maxFrameSize, value: 1 << 17))
        }
        configuration.connection.targetWindowSize = windows.connection
        configuration.stream.targetWindowSize = windows.stream
        // What is still on its way on streams that this side has reset is no fault of the other's.
        configuration.connection.maximumRecentlyResetStreams = 1_024
        return configuration
    }
}

/// A stream serves one exchange and is closed.
private final class StreamOwner: UpstreamConnectionOwner {
    func release(_ connection: UpstreamConnection) {}

    func forget(_ connection: UpstreamConnection) {}

    /// Not at once: the answer's end is being read, and closing now would reset a stream that is about to end by
    /// itself.
    func close(_ channel: any Channel) { channel.eventLoop.execute { channel.close(promise: nil) } }

    func connect(for exchange: UpstreamExchange) {
        exchange.end(
            ChatError(
                .unreachable, "\(UpstreamOrigin(exchange.request.address)) takes no more requests on this connection"))
    }
}

/// Waits for the TLS handshake and makes the connection speak HTTP/2.
final class SecuredHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let configuration: NIOHTTP2Handler.Configuration
    private let ready: EventLoopPromise<NIOHTTP2Handler.StreamMultiplexer>

    init(
        configuration: NIOHTTP2Handler.Configuration, ready: EventLoopPromise<NIOHTTP2Handler.StreamMultiplexer>
    ) {
        self.configuration = configuration
        self.ready = ready
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        guard negotiated == "h2" else { return fail(NIOHTTP2Errors.invalidALPNToken(), context: context) }
        do {
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandler(FlushCoalescingHandler())
            let streams = try pipeline.configureHTTP2Pipeline(
                mode: .client, connectionConfiguration: configuration.connection,
                streamConfiguration: configuration.stream
            ) { stream in
                stream.close()  // a server has nothing to ask here
            }
            try pipeline.addHandler(ErrorClosingHandler())
            ready.succeed(streams)
            pipeline.removeHandler(self, promise: nil)
        } catch {
            fail(error, context: context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(error, context: context) }

    func channelInactive(context: ChannelHandlerContext) {
        ready.fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    private func fail(_ error: any Error, context: ChannelHandlerContext) {
        ready.fail(error)
        context.close(promise: nil)
    }
}

/// The last handler of a connection: an error that nobody before it dealt with ends the connection.
final class ErrorClosingHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
