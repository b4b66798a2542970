// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import Synchronization

/// One HTTP/2 connection (RFC 9113) over TLS: many exchanges at once, each on a stream of its own.
package final class MultiplexedConnection: Sendable {
    package let address: PeerAddress
    private let channel: any Channel
    private let streams: NIOHTTP2Handler.StreamMultiplexer
    private let usage = Mutex(Usage())

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
    /// - Parameter secure: Adds the TLS handler; called on the channel's event loop.
    /// - Throws: The error of the connection or of the handshake, `ChannelError.connectTimeout` after `limit`,
    ///   `CancellationError`.
    package static func connect(
        to address: PeerAddress, limit: Duration, group: any EventLoopGroup,
        secure: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> MultiplexedConnection {
        let eventLoop = group.any()
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
                        SecuredHandler(configuration: Self.configuration, ready: ready))
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

    /// Sends a request and waits for the whole answer, whatever its status.
    ///
    /// - Throws: ``ChatFailure`` with `unreachable`, `timeout`, `interrupted` or `invalidAnswer`; `CancellationError`.
    package func collect(_ request: UpstreamRequest) async throws -> UpstreamReply {
        guard case .reply(let reply) = try await run(UpstreamExchange(request, mode: .collect)) else {
            throw ChatFailure(.invalidAnswer, "a stream came where a whole answer was asked for")
        }
        return reply
    }

    /// Sends a request and waits for the head of the answer, whatever its status.
    ///
    /// - Throws: ``ChatFailure`` with `unreachable`, `timeout`, `interrupted` or `invalidAnswer`; `CancellationError`.
    package func stream(_ request: UpstreamRequest) async throws -> UpstreamResponse {
        guard case .response(let response) = try await run(UpstreamExchange(request, mode: .stream)) else {
            throw ChatFailure(.invalidAnswer, "a whole answer came where a stream was asked for")
        }
        return response
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

    private func run(_ exchange: UpstreamExchange) async throws -> UpstreamExchange.Outcome {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if exchange.begin(continuation) { start(exchange) }
            }
        } onCancel: {
            exchange.cancel()
        }
    }

    private func start(_ exchange: UpstreamExchange) {
        usage.withLock { $0.exchanges += 1 }
        let origin = UpstreamOrigin(exchange.request.address)
        streams.createStreamChannel { stream in
            stream.eventLoop.makeCompletedFuture {
                let pipeline = stream.pipeline.syncOperations
                try pipeline.addHandler(HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .https))
                try pipeline.addHandler(
                    UpstreamConnection(channel: stream, origin: origin, owner: StreamOwner()))
            }
        }.whenComplete { result in
            switch result {
            case .success(let stream): stream.closeFuture.whenComplete { _ in self.exchangeEnded() }
            case .failure: self.exchangeEnded()
            }
            do {
                try result.get().pipeline.syncOperations.handler(type: UpstreamConnection.self).start(exchange)
            } catch {
                exchange.end(
                    .failure(ChatFailure(.unreachable, "the connection to \(origin) has ended", cause: error)))
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

    private static var configuration: NIOHTTP2Handler.Configuration {
        var configuration = NIOHTTP2Handler.Configuration()
        configuration.connection.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 16 << 10),
            HTTP2Setting(parameter: .initialWindowSize, value: 1 << 18),
        ]
        configuration.connection.targetWindowSize = 1 << 20
        configuration.stream.targetWindowSize = 1 << 18
        return configuration
    }
}

/// A stream serves one exchange and is closed.
private final class StreamOwner: UpstreamConnectionOwner {
    func mayRelease(after head: HTTPResponseHead) -> Bool { true }

    /// Not at once: the answer's end is being read, and closing now would reset a stream that is about to end by itself.
    func release(_ connection: UpstreamConnection) {
        let bound = NIOLoopBound(connection, eventLoop: connection.channel.eventLoop)
        connection.channel.eventLoop.execute { bound.value.close() }
    }

    func forget(_ connection: UpstreamConnection) {}

    func connect(for exchange: UpstreamExchange) {
        exchange.end(.failure(ChatFailure(.interrupted, "the connection ended before the request was answered")))
    }
}
