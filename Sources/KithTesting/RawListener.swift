// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// A TCP listener on 127.0.0.1 that answers the first bytes of each connection with the same text, in whatever protocol,
/// and closes it.
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

    private var text: String?

    init(text: String) { self.text = text }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let text else { return }
        self.text = nil
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }
}
