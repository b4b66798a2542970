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
    struct Value: ServerChildChannelValue {
        let http: HTTP1Channel.Value
        let presence: ClientPresence
        let executor: EventLoopExecutor

        var channel: any Channel { http.channel }
    }

    let responder: HTTPChannelHandler.Responder
    let limits: ConnectionLimits
    let hotRoute: HotRoute

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
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try pipeline.addHandler(ClientWatchHandler(presence: presence, bodyLimit: limits.body))
            // Before the hot route, so that it sees every request when it looks for idle connections. It passes no
            // `channelInactive` on; whoever follows goes by being removed.
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: limits.idle, logger: logger))
            try pipeline.addHandler(HotRouteHandler(route: hotRoute, executor: executor))
            let http = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            return Value(http: http, presence: presence, executor: executor)
        }
    }

    func handle(value: Value, logger: Logger) async {
        let http = HTTP1Channel(responder: responder)
        // The one unstructured task of a connection: it must be cancelled from outside, by the channel's handler.
        let connection = Task(executorPreference: value.executor) {
            await http.handle(value: value.http, logger: logger)
        }
        value.presence.whenGone { connection.cancel() }
        await withTaskCancellationHandler {
            await connection.value
        } onCancel: {
            connection.cancel()
        }
    }
}
