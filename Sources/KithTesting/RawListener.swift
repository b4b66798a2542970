// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// A TCP listener on 127.0.0.1 that greets whoever connects with the same bytes, in whatever protocol.
package struct RawListener: Sendable {
    private let channel: any Channel

    package static func open(greeting: @escaping @Sendable () -> String) async throws -> RawListener {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeter(text: greeting()))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawListener(channel: channel)
    }

    package var port: Int { channel.localAddress?.port ?? 0 }

    package func close() async throws { try await channel.close() }
}

private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let text: String

    init(text: String) { self.text = text }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}
