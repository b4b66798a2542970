// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The last handler of a connection: an error that nobody before it dealt with ends the connection.
final class ErrorClosingHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
