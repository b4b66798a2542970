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
    let responder: HTTPChannelHandler.Responder
    let limits: ConnectionLimits
    /// Only the node role has one.
    let hotRoute: HotRoute?
    /// Whether TLS comes before.
    var isSecure = false

    /// A connection keeps the memory that it received into: room for a short request, growing where more comes at once.
    private static let receiving = AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 512, maximum: 64 << 10)

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<AcceptedChannel> {
        channel.eventLoop.makeCompletedFuture {
            let accepted = AcceptedChannel(channel, waits: hotRoute != nil)
            try channel.syncOptions?.setOption(.recvAllocator, value: Self.receiving)
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = limits.headerBytes / 4
            decoderLimits.maxHeaderListSize = limits.headerBytes
            decoderLimits.maxHeaderFieldCount = limits.headerCount
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoderLimits)
            if let hotRoute {
                try pipeline.addHandler(
                    HotRouteHandler(
                        route: hotRoute, executor: accepted.executor, limits: limits,
                        wantsFramework: accepted.isWanted))
            }
            try pipeline.addHandler(HTTP1EdgeHandler(dialect: hotRoute == nil ? .detail : .openAI))
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: isSecure))
            try pipeline.addHandler(ClientWatchHandler(presence: accepted.presence, uploads: UploadPace.Limits(limits)))
            // It passes no `channelInactive` on; whoever follows goes by being removed. The hot route's handler sees more
            // requests and looks for idle connections itself.
            let idle = hotRoute == nil ? limits.idle : nil
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: idle, logger: logger))
            if hotRoute == nil { try accepted.holdReads() }
            return accepted
        }
    }

    func handle(value: AcceptedChannel, logger: Logger) async {
        await value.serve(responder: responder, logger: logger)
    }
}
