// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// An HTTP/1.1 connection whose work is cancelled when its client goes.
struct NodeChannel: ServerChildChannel {
    /// A connection that has been accepted. It is closed when it is dropped without having been handled, as happens to
    /// connections that arrive while the server stops.
    final class Value: ServerChildChannelValue {
        let channel: any Channel
        let presence: ClientPresence
        let executor: EventLoopExecutor

        init(channel: any Channel, presence: ClientPresence, executor: EventLoopExecutor) {
            self.channel = channel
            self.presence = presence
            self.executor = executor
        }

        deinit { channel.close(promise: nil) }
    }

    let responder: HTTPChannelHandler.Responder
    let limits: ConnectionLimits
    let hotRoute: HotRoute
    /// Whether TLS comes before.
    var isSecure = false

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let presence = ClientPresence()
            let executor = EventLoopExecutor(channel.eventLoop)
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = limits.headerBytes / 4
            decoderLimits.maxHeaderListSize = limits.headerBytes
            decoderLimits.maxHeaderFieldCount = limits.headerCount
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoderLimits)
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: isSecure))
            try pipeline.addHandler(ClientWatchHandler(presence: presence, bodyLimit: limits.body))
            // Before the hot route, so that it sees every request when it looks for idle connections. It passes no
            // `channelInactive` on; whoever follows goes by being removed.
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: limits.idle, logger: logger))
            try pipeline.addHandler(HotRouteHandler(route: hotRoute, executor: executor))
            // Nothing is read before there is somebody to read it: see `wrap`.
            try channel.syncOptions?.setOption(.autoRead, value: false)
            return Value(channel: channel, presence: presence, executor: executor)
        }
    }

    func handle(value: Value, logger: Logger) async {
        let http = HTTP1Channel(responder: responder)
        // The one unstructured task of a connection: it must be cancelled from outside, by the channel's handler.
        let connection = Task(executorPreference: value.executor) {
            do {
                await http.handle(value: try await Self.wrap(value.channel), logger: logger)
            } catch {
                logger.debug("connection lost before its first request", metadata: ["reason": "\(error)"])
            }
        }
        value.presence.whenGone { connection.cancel() }
        await withTaskCancellationHandler {
            await connection.value
        } onCancel: {
            connection.cancel()
        }
    }

    /// Gives the connection its asynchronous end. Not done earlier, because that end traps when it is dropped unused.
    private static func wrap(_ channel: any Channel) async throws -> HTTP1Channel.Value {
        try await channel.eventLoop.submit {
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            let wrapped = try HTTP1Channel.Value(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            try channel.syncOptions?.setOption(.autoRead, value: true)
            channel.read()  // setting the option asks the socket only, and not the handlers that hold what has come
            return wrapped
        }.get()
    }
}
