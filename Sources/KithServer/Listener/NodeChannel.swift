// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import Logging
package import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// An HTTP/1.1 connection whose work is cancelled when its client goes.
package struct NodeChannel: ServerChildChannel {
    /// Makes the handler that sees each request of a connection before the framework, and closes idle connections.
    ///
    /// - Parameter wantsFramework: To be called when there is a request for the framework.
    package typealias EarlyHandler =
        @Sendable (
            _ executor: EventLoopExecutor, _ limits: ConnectionLimits,
            _ wantsFramework: @escaping @Sendable () -> Void
        ) -> any RemovableChannelHandler & ChannelDuplexHandler

    let responder: HTTPChannelHandler.Responder
    let limits: ConnectionLimits
    /// In which clients are told that what they sent is no HTTP.
    let errors: ErrorDialect
    /// What answers some requests before the framework; only the node role has such.
    let early: EarlyHandler?
    /// Whether TLS comes before.
    var isSecure = false

    /// A connection keeps the memory that it received into: room for a short request, growing where more comes at once.
    private static let receiving = AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 512, maximum: 64 << 10)

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<AcceptedChannel> {
        channel.eventLoop.makeCompletedFuture {
            let accepted = AcceptedChannel(channel, waits: early != nil)
            try channel.syncOptions?.setOption(.recvAllocator, value: Self.receiving)
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = limits.headerBytes / 4
            decoderLimits.maxHeaderListSize = limits.headerBytes
            decoderLimits.maxHeaderFieldCount = limits.headerCount
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoderLimits)
            if let early { try pipeline.addHandler(early(accepted.executor, limits, accepted.isWanted)) }
            try pipeline.addHandler(HTTP1EdgeHandler(dialect: errors))
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: isSecure))
            try pipeline.addHandler(ClientWatchHandler(presence: accepted.presence, uploads: UploadPace.Limits(limits)))
            // It passes no `channelInactive` on; whoever follows goes by being removed. The early handler sees more
            // requests and looks for idle connections itself.
            let idle = early == nil ? limits.idle : nil
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: idle, logger: logger))
            if early == nil { try accepted.holdReads() }
            return accepted
        }
    }

    func handle(value: AcceptedChannel, logger: Logger) async {
        await value.serve(responder: responder, logger: logger)
    }
}
