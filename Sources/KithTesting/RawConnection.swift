// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOPosix

/// A TCP connection on which a test says exactly what it wants to, well formed or not.
package struct RawConnection: Sendable {
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let inbound: NIOAsyncChannelInboundStream<ByteBuffer>

    /// Connects to a port of this machine for as long as `body` runs.
    ///
    /// - Parameter prepare: adds what stands between the socket and the test, such as TLS.
    package static func open<Result: Sendable>(
        port: Int, prepare: @escaping @Sendable (any Channel) throws -> Void = { _ in },
        _ body: @Sendable (RawConnection) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel)
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(RawConnection(outbound: outbound, inbound: inbound))
        }
    }

    package func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

    /// Everything that comes until the other side closes; a reset counts as a close.
    package func readToEnd() async -> String { await read { _ in false } }

    /// What comes until `enough` says so or the other side closes. Call once.
    package func read(until enough: (String) -> Bool) async -> String {
        var received = ByteBuffer()
        do {
            for try await var piece in inbound {
                received.writeBuffer(&piece)
                if enough(String(buffer: received)) { break }
            }
        } catch {}  // a reset: what came before it is what came
        return String(buffer: received)
    }
}

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
