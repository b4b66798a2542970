// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP2
import NIOTLS

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
