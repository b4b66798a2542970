// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTrust
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// How one side of a connection fared.
enum Handshake: Hashable, Sendable {
    /// The other side is this node, and this protocol was agreed on.
    case established(NodeID?, protocol: String?)
    case refused(String?)

    var isRefused: Bool {
        if case .refused = self { true } else { false }
    }

    typealias Side = @Sendable () throws -> any ChannelHandler

    /// Connects two handlers through a socket on 127.0.0.1. The server sends a byte when its handshake is done, and the
    /// client counts as connected once it has read it: in TLS 1.3 a client cannot know earlier.
    static func run(
        server: @escaping Side, client: @escaping Side
    ) async throws -> (server: Handshake, client: Handshake) {
        let group = MultiThreadedEventLoopGroup.singleton
        let outcomes = (
            server: group.any().makePromise(of: Handshake.self), client: group.any().makePromise(of: Handshake.self)
        )
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        try server(), Witness(outcome: outcomes.server, greets: true),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        try client(), Witness(outcome: outcomes.client, greets: false),
                    ])
                }
            }
            .connect(host: "127.0.0.1", port: listener.localAddress?.port ?? 0).get()
        let fared = (try await outcomes.server.futureResult.get(), try await outcomes.client.futureResult.get())
        channel.close(promise: nil)
        try await listener.close()
        return fared
    }
}

/// Notes how a handshake ends. Bound to its channel's event loop.
private final class Witness: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let outcome: EventLoopPromise<Handshake>
    private let greets: Bool
    private var negotiated: String?
    private var failure: String?
    private var isOver = false

    init(outcome: EventLoopPromise<Handshake>, greets: Bool) {
        self.outcome = outcome
        self.greets = greets
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated) = event as? TLSUserEvent {
            self.negotiated = negotiated
            if greets {
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: [1])), promise: nil)
                conclude(established(context))
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { conclude(established(context)) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = failure ?? HandshakeRefusal.reason(of: error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        conclude(.refused(failure))
        context.fireChannelInactive()
    }

    private func established(_ context: ChannelHandlerContext) -> Handshake {
        let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLHandler.self)
        return .established(handler?.peerCertificate.flatMap(PeerTLS.nodeID(of:)), protocol: negotiated)
    }

    private func conclude(_ handshake: Handshake) {
        if isOver { return }
        isOver = true
        outcome.succeed(handshake)
    }
}
