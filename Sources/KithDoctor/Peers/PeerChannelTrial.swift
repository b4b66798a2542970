// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithPeers
import KithTransport
import KithTrust
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Goes as far into the peer channel as a node gets without a hello: the handshake, and one request that only kin may
/// make.
///
/// Nothing that only a running node would say is sent, so that the other side does not take this process for the node.
enum PeerChannelTrial: Sendable {
    /// - Parameter refusal: `nil` when the question was answered.
    case answered(refusal: PeerRefusal?, HTTPSighting)
    /// The certificate is another node's.
    case otherNode(NodeID)
    case badCertificate(String)
    /// The other side does not speak TLS as nodes do.
    case notTLS(String)
    case closed
    case timedOut
    case failed(String)

    static let limit = Duration.milliseconds(2_500)

    static func run(
        _ id: NodeID, at address: PeerAddress, tls: PeerTLS, clock: any TimeSource
    ) async -> PeerChannelTrial {
        let refused = Refused()
        let connection: MultiplexedConnection
        do {
            connection = try await MultiplexedConnection.connect(
                to: address, limit: limit, group: .singletonMultiThreadedEventLoopGroup
            ) { channel in
                try channel.pipeline.syncOperations.addHandler(
                    try tls.clientHandler(
                        expecting: .node(id),
                        onRefusal: { refusal in refused.refusal.withLock { $0 = refusal } }))
            }
        } catch {
            return PeerChannelTrial(error, refusal: refused.refusal.withLock { $0 })
        }
        defer { connection.close() }
        return await ask(connection, at: address, clock: clock)
    }

    private static func ask(
        _ connection: MultiplexedConnection, at address: PeerAddress, clock: any TimeSource
    ) async -> PeerChannelTrial {
        let start = clock.now
        let before = WallTime.now()
        do {
            let reply = try await connection.collect(
                UpstreamRequest(
                    .GET, HTTPAddress(scheme: .https, host: address.host, port: address.port),
                    path: PeerWire.modelsPath,
                    limits: UpstreamLimits(connect: limit, firstByte: limit, stall: limit, bodyBytes: 1 << 20)))
            let sighting = HTTPSighting(reply, askedAt: before, took: clock.now - start)
            if reply.status == 200 { return .answered(refusal: nil, sighting) }
            guard reply.status == 403, let refusal = try? JSONBody.decode(PeerRefusal.self, from: sighting.body) else {
                return .failed("it answers with status \(reply.status)")
            }
            return .answered(refusal: refusal, sighting)
        } catch let failure as ChatError {
            return failure.code == .timeout ? .timedOut : .closed
        } catch {
            return .closed
        }
    }

    private init(_ error: any Error, refusal: HandshakeRefusal?) {
        switch (refusal, error) {
        case (let refusal?, _):
            self = refusal.seen.map(PeerChannelTrial.otherNode) ?? .badCertificate(refusal.reason.rawValue)
        case (nil, ChannelError.connectTimeout): self = .timedOut
        case (nil, ChannelError.eof): self = .closed
        case (nil, is IOError): self = .closed
        default:
            if let reason = HandshakeRefusal.reason(of: error) {
                self = .notTLS(reason)
            } else {
                self = .notTLS("no TLS as nodes speak it")
            }
        }
    }

    private final class Refused: Sendable {
        let refusal = Mutex<HandshakeRefusal?>(nil)
    }
}
