// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import KithTrust
import Logging
import NIOCore
import NIOSSL

/// A connection that begins with TLS: then HTTP/2 or HTTP/1.1, as the client would rather have it.
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
