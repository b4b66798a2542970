// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import KithModel
import KithServer
import KithTrust
import Logging
import NIOCore
import NIOSSL

/// A connection to the peer port: mutual TLS 1.3, then HTTP/2.
struct PeerServerChannel: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let secured: EventLoopFuture<MultiplexedNodeChannel.Value>
    }

    let http2: MultiplexedNodeChannel
    let tls: PeerTLS
    let connections: PeerConnections
    let trust: TrustBook
    let audit: any AuditTrail

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let source = channel.remoteAddress?.source ?? "unknown"
        guard connections.beginHandshake(from: source) else {
            audit.record(
                .handshakeRefused, subject: nil, source: source, reason: PeerHandshakeHandler.unfinished)
            channel.close(promise: nil)  // the server would forget it open
            return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        return channel.eventLoop.makeCompletedFuture {
            let secured = channel.eventLoop.makePromise(of: MultiplexedNodeChannel.Value.self)
            secured.futureResult.whenComplete { [connections] _ in connections.handshakeEnded(from: source) }
            let handshake = PeerHandshakeHandler(
                secured: secured, http2: http2, connections: connections, trust: trust, audit: audit, source: source,
                logger: logger)
            do {
                try channel.pipeline.syncOperations.addHandlers(tls.serverHandler(), handshake)
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
