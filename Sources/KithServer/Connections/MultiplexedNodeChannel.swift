// SPDX-License-Identifier: Apache-2.0

import Hummingbird
package import HummingbirdCore
import KithTransport
import KithTrust
package import Logging
package import NIOCore
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2

/// An HTTP/2 connection (RFC 9113) on a channel that is secured already. The work of a stream is cancelled when its client
/// resets it.
package struct MultiplexedNodeChannel: ServerChildChannel {
    package struct Value: ServerChildChannelValue {
        package let channel: any Channel
        fileprivate let streams: NIOHTTP2AsyncSequence<AcceptedChannel>
    }

    package let responder: HTTPChannelHandler.Responder
    package let limits: ConnectionLimits
    /// Makes the handler that answers some requests before the framework, for each stream; only the peer port has one.
    package var early: (@Sendable (EventLoopExecutor, Logger) -> any ChannelHandler)?

    package init(
        responder: @escaping HTTPChannelHandler.Responder, limits: ConnectionLimits,
        early: (@Sendable (EventLoopExecutor, Logger) -> any ChannelHandler)? = nil
    ) {
        self.responder = responder
        self.limits = limits
        self.early = early
    }

    /// How many resets of streams are accepted from a client.
    package enum Resets: Sendable {
        /// As NIO bounds it: a client that resets more is attacking (CVE-2023-44487).
        case few
        /// From a kin: all of its clients are streams on one connection, each reset when its client leaves, which must
        /// not end the connection.
        case many
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        setup(channel: channel, resets: .few, logger: logger)
    }

    package func setup(channel: any Channel, resets: Resets, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            // What many streams write in one turn of the event loop is sent together.
            try channel.pipeline.syncOperations.addHandler(FlushCoalescingHandler())
            let rest = IdleConnectionHandler(eventLoop: channel.eventLoop, limit: limits.idle)
            let multiplexer = try channel.pipeline.syncOperations.configureAsyncHTTP2Pipeline(
                mode: .server, streamDelegate: rest.observer, configuration: configuration(resets)
            ) { stream in
                setup(stream: stream, logger: logger)
            }
            try channel.pipeline.syncOperations.addHandler(rest)
            return Value(channel: channel, streams: multiplexer.inbound)
        }
    }

    package func handle(value: Value, logger: Logger) async {
        do {
            // On the connection's own thread, so that a short request wakes no other.
            try await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
                try await withThrowingDiscardingTaskGroup { group in
                    for try await stream in value.streams {
                        group.addTask { await stream.serve(responder: responder, logger: logger) }
                    }
                }
            }
        } catch {
            logger.debug("connection lost", metadata: ["reason": "\(error)"])
        }
    }

    private func setup(stream: any Channel, logger: Logger) -> EventLoopFuture<AcceptedChannel> {
        stream.eventLoop.makeCompletedFuture {
            let accepted = AcceptedChannel(stream)
            let pipeline = stream.pipeline.syncOperations
            try pipeline.addHandler(HTTP2FramePayloadToHTTPServerCodec())
            if let early { try pipeline.addHandler(early(accepted.executor, logger)) }
            try pipeline.addHandler(ClientWatchHandler(presence: accepted.presence, limits: limits))
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: limits.idle, logger: logger))
            try accepted.holdReads()
            return accepted
        }
    }

    private func configuration(_ resets: Resets) -> NIOHTTP2Handler.Configuration {
        var configuration = NIOHTTP2Handler.Configuration()
        configuration.connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.streams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headerBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: Self.window),
        ]
        configuration.connection.targetWindowSize = 4 * Self.window
        configuration.stream.targetWindowSize = Self.window
        if resets == .many {
            configuration.stream.streamResetFrameRateLimit.maximumCount = 20_000
            configuration.connection.maximumRecentlyResetStreams = 1_024
        }
        return configuration
    }

    /// Bytes of one request's body that may be on their way; the protocol's 64 KiB would slow long documents down.
    private static let window = 1 << 18
}

/// Ends an HTTP/2 connection that has had no stream for a while, and one whose server stops when its streams have ended.
final class IdleConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let eventLoop: any EventLoop
    private let limit: TimeAmount
    private var openStreams = 0
    private var isClosing = false
    private var timer: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    init(eventLoop: any EventLoop, limit: Duration) {
        self.eventLoop = eventLoop
        self.limit = TimeAmount(limit)
    }

    /// Tells this handler about streams. Must be read on the event loop.
    var observer: Observer { Observer(handler: NIOLoopBound(self, eventLoop: eventLoop)) }

    struct Observer: NIOHTTP2StreamDelegate {
        fileprivate let handler: NIOLoopBound<IdleConnectionHandler>

        func streamCreated(_ id: HTTP2StreamID, channel: any Channel) { handler.value.changed(by: 1) }

        func streamClosed(_ id: HTTP2StreamID, channel: any Channel) { handler.value.changed(by: -1) }
    }

    private func changed(by difference: Int) {
        openStreams += difference
        if openStreams > 0 {
            timer?.cancel()
            timer = nil
        } else if isClosing {
            context?.close(promise: nil)
        } else {
            startTimer()
        }
    }

    private func startTimer() {
        timer?.cancel()
        timer = eventLoop.assumeIsolated().scheduleTask(in: limit) { self.goAway() }
    }

    /// Tells the client to send no more requests here, and closes when the last answer is out.
    private func goAway() {
        guard let context, !isClosing else { return }
        isClosing = true
        let frame = HTTP2Frame(
            streamID: .rootStream, payload: .goAway(lastStreamID: .maxID, errorCode: .noError, opaqueData: nil))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        if openStreams == 0 { context.close(promise: nil) }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        startTimer()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: goAway()
        // The socket stays open for answers when a client has stopped sending, and here none are awaited.
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// A violation of the protocol ends the connection; the protocol's handler has told the client so.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }
}
