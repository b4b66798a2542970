// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import KithModel
import KithServer
import KithTrust
import Logging
import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS

/// A connection to the peer port: mutual TLS 1.3, then HTTP/2.
struct PeerServerChannel: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let secured: EventLoopFuture<MultiplexedNodeChannel.Value>
    }

    let http2: MultiplexedNodeChannel
    let tls: PeerTLS
    let connections: PeerConnections
    let trust: TrustStore
    let audit: any AuditTrail
    let gate: ConnectionGate

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let source = channel.remoteAddress?.source ?? "unknown"
        guard connections.beginHandshake(on: channel, from: source) else {
            audit.record(
                .handshakeRefused, subject: nil, source: source, reason: PeerHandshakeHandler.unfinished)
            channel.close(promise: nil)  // otherwise the server would leave it open
            return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        return channel.eventLoop.makeCompletedFuture {
            let secured = channel.eventLoop.makePromise(of: MultiplexedNodeChannel.Value.self)
            secured.futureResult.whenComplete { [connections] _ in connections.handshakeEnded(on: channel) }
            let handshake = PeerHandshakeHandler(
                secured: secured, http2: http2, connections: connections, trust: trust, audit: audit, gate: gate,
                source: source, logger: logger)
            do {
                try channel.pipeline.syncOperations.addHandlers(
                    FirstByteHandler { handshake.hasBegun = true }, tls.serverHandler(), handshake)
            } catch {
                secured.fail(error)  // nobody else would
                throw error
            }
            return Value(channel: channel, secured: secured.futureResult)
        }
    }

    func handle(value: Value, logger: Logger) async {
        do {
            let connection = try await value.secured.get()
            await http2.handle(value: connection, logger: logger)
        } catch {
            logger.debug("handshake refused", metadata: ["reason": "\(error)"])
        }
    }
}

/// Waits for the handshake of a connection to the peer port, notes who it is, and makes the connection speak HTTP/2.
final class PeerHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    static let unfinished = "handshakes not finished"

    private let secured: EventLoopPromise<MultiplexedNodeChannel.Value>
    private let http2: MultiplexedNodeChannel
    private let connections: PeerConnections
    private let trust: TrustStore
    private let audit: any AuditTrail
    private let gate: ConnectionGate
    private let source: String
    private let logger: Logger
    private var timer: Scheduled<Void>?
    private var hasEnded = false
    /// Whether the other side has said anything. One that connects and leaves, as whoever only looks whether the port is open
    /// does, is refused nothing.
    var hasBegun = false

    init(
        secured: EventLoopPromise<MultiplexedNodeChannel.Value>, http2: MultiplexedNodeChannel,
        connections: PeerConnections, trust: TrustStore, audit: any AuditTrail, gate: ConnectionGate,
        source: String, logger: Logger
    ) {
        self.gate = gate
        self.secured = secured
        self.http2 = http2
        self.connections = connections
        self.trust = trust
        self.audit = audit
        self.source = source
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(http2.limits.handshake)) { [weak self] in
            self?.refuse(Self.unfinished, context: context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent else {
            return hear(event, context: context)
        }
        guard !hasEnded else { return }
        guard negotiated == "h2" else { return refuse("HTTP/2 was not offered", context: context) }
        guard let id = Self.id(on: context.channel) else {
            return refuse("no usable certificate", context: context)
        }
        let caller = PeerConnections.Caller(id: id, source: source)
        let standing = trust.standing(of: id)
        guard connections.open(context.channel, by: caller, standing: standing) else {
            return refuse("too many connections", context: context)
        }
        if standing == .kin || standing == .kith { gate.settle(context.channel) }
        hasEnded = true
        timer?.cancel()
        http2.setup(channel: context.channel, resets: standing == .kin ? .many : .few, logger: logger).cascade(
            to: secured)
        watchConduct(of: caller, on: context)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func watchConduct(of caller: PeerConnections.Caller, on context: ChannelHandlerContext) {
        do {
            try context.pipeline.syncOperations.addHandler(PeerConductHandler(caller: caller, audit: audit))
        } catch {
            context.close(promise: nil)  // the connection has gone meanwhile
        }
    }

    private func hear(_ event: Any, context: ChannelHandlerContext) {
        switch event {
        case ChannelEvent.inputClosed: hasLeft(context)
        // This node stops, and must not wait for a silent caller.
        case is ChannelShouldQuiesceEvent where end(): context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        hasLeft(context)
        context.fireChannelInactive()
    }

    private func hasLeft(_ context: ChannelHandlerContext) {
        if hasBegun { return refuse(Self.unfinished, context: context) }
        if end() { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // TLS reports the end of a connection on which nothing was said as an error.
        let words = Self.words(for: error)
        words == Self.unfinished || !hasBegun ? hasLeft(context) : refuse(words, context: context)
    }

    private func refuse(_ reason: String, context: ChannelHandlerContext) {
        guard end() else { return }
        audit.record(.handshakeRefused, subject: nil, source: source, reason: reason)
        context.close(promise: nil)
    }

    /// - Returns: `false` when it had ended before.
    @discardableResult
    private func end() -> Bool {
        guard !hasEnded else { return false }
        hasEnded = true
        timer?.cancel()
        secured.fail(ChannelError.ioOnClosedChannel)
        return true
    }

    private static func id(on channel: any Channel) -> NodeID? {
        // None is a refusal and not an error.
        let certificate = try? channel.pipeline.syncOperations.nioSSL_peerCertificate()
        return certificate.flatMap(PeerTLS.nodeID(of:))
    }

    private static func words(for error: any Error) -> String {
        if let reason = HandshakeRefusal.reason(of: error) { return reason }
        switch error {
        case NIOSSLError.uncleanShutdown, ChannelError.eof, is IOError: return unfinished
        default: return "the TLS handshake failed"
        }
    }
}

/// Tells of the first bytes that come, and is gone.
final class FirstByteHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let heard: () -> Void

    init(heard: @escaping () -> Void) { self.heard = heard }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        heard()
        context.fireChannelRead(data)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

/// Notes which node broke the rules of HTTP/2 so that the connection had to end: oversized frames, header fields
/// without end.
final class PeerConductHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    static let brokenRules = "rules of HTTP/2 broken"

    private let caller: PeerConnections.Caller
    private let audit: any AuditTrail
    private var isNoted = false

    init(caller: PeerConnections.Caller, audit: any AuditTrail) {
        self.caller = caller
        self.audit = audit
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is any NIOHTTP2Error, !isNoted {
            isNoted = true
            audit.record(
                .peerRefused, subject: caller.id.description, source: caller.source, reason: Self.brokenRules)
        }
        context.fireErrorCaught(error)
    }
}
