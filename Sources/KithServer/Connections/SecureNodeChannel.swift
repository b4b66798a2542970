// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import KithTrust
import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// A connection that begins with TLS: then HTTP/2 or HTTP/1.1, whichever the client prefers.
struct SecureNodeChannel: ServerChildChannel {
    enum Secured: Sendable {
        case http1(AcceptedChannel)
        case http2(MultiplexedNodeChannel.Value)
    }

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let secured: EventLoopFuture<Secured>
    }

    let tls: SurfaceTLSSource
    let http1: NodeChannel
    let http2: MultiplexedNodeChannel
    let limits: ConnectionLimits

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let secured = channel.eventLoop.makePromise(of: Secured.self)
            let handshake = TLSHandshakeHandler(secured: secured, timeout: limits.handshake) { [http1, http2] name in
                name == "h2"
                    ? http2.setup(channel: channel, logger: logger).map { .http2($0) }
                    : http1.setup(channel: channel, logger: logger).map { .http1($0) }
            }
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.current.context))
            try channel.pipeline.syncOperations.addHandler(handshake)
            return Value(channel: channel, secured: secured.futureResult)
        }
    }

    func handle(value: Value, logger: Logger) async {
        do {
            switch try await value.secured.get() {
            case .http1(let connection): await http1.handle(value: connection, logger: logger)
            case .http2(let connection): await http2.handle(value: connection, logger: logger)
            }
        } catch {
            logger.debug("handshake failed", metadata: ["reason": "\(error)"])
        }
    }
}

/// Waits for the end of a TLS handshake, and then sets the channel up as negotiated.
///
/// A client may send its first request together with its last message of the handshake. What arrives is held here until
/// it is asked for, because the new pipeline has no reader yet.
final class TLSHandshakeHandler<Secured: Sendable>: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// Leaves to `holding` or `ended`.
        case shaking
        /// Leaves to `ended` with the first read.
        case holding([ByteBuffer])
        case ended
    }

    private let secured: EventLoopPromise<Secured>
    private let timeout: TimeAmount
    private let configure: (String?) -> EventLoopFuture<Secured>
    private var state = State.shaking
    private var deadline: Scheduled<Void>?

    /// - Parameter configure: makes the channel speak what was negotiated; `nil` when nothing was.
    init(
        secured: EventLoopPromise<Secured>, timeout: Duration,
        configure: @escaping (String?) -> EventLoopFuture<Secured>
    ) {
        self.secured = secured
        self.timeout = TimeAmount(timeout)
        self.configure = configure
    }

    func handlerAdded(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { context.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let name):
            deadline?.cancel()
            state = .holding([])
            secured.completeWith(configure(name))
        // The handler that answers requests is not there yet, so that nothing would be cut off.
        case is ChannelShouldQuiesceEvent where !isEnded: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .shaking: break  // NIOSSL passes nothing on before the handshake has ended
        case .holding(var held):
            held.append(unwrapInboundIn(data))  // bounded: nothing more is read from the socket until it is asked for
            state = .holding(held)
        case .ended: context.fireChannelRead(data)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isEnded { context.fireChannelReadComplete() }
    }

    func read(context: ChannelHandlerContext) {
        if case .holding(let held) = state {
            state = .ended
            for piece in held { context.fireChannelRead(wrapInboundOut(piece)) }
            if !held.isEmpty { context.fireChannelReadComplete() }
        }
        context.read()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard case .shaking = state else { return context.fireErrorCaught(error) }
        secured.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private var isEnded: Bool {
        if case .ended = state { true } else { false }
    }

    private func end() {
        deadline?.cancel()
        if case .shaking = state { secured.fail(ChannelError.eof) }
        state = .ended
    }
}
