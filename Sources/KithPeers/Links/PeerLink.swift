// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
import KithSync
package import KithTransport
package import NIOCore
package import NIOHTTP1
import NIOPosix

/// A connection to a node that has proven its id and said hello.
package struct PeerLink: Sendable {
    package let id: NodeID
    package let hello: PeerHello
    package let connection: MultiplexedConnection

    package var address: PeerAddress { connection.address }

    /// - Throws: ``LinkError`` when the other side does not want to talk, or speaks no common version.
    static func greet(
        _ id: NodeID, on connection: MultiplexedConnection, with hello: PeerHello, limit: Duration
    ) async throws -> PeerLink {
        let reply = try await connection.collect(
            try Self.request(
                hello, PeerWire.helloPath, to: connection,
                limits: UpstreamLimits(firstByte: limit, stall: limit, bodyBytes: 64 << 10)))
        if let refusal = Self.refusal(in: reply) { throw LinkError.rejected(refusal) }
        guard reply.status == 200,
            let theirs = try? JSONBody.decode(PeerHello.self, from: reply.body.readableBytesView)
        else { throw LinkError.unreachable("it does not answer as a kith node does") }
        guard hello.protocols.common(with: theirs.protocols) != nil else {
            throw LinkError.incompatible(theirs: theirs.protocols, ours: hello.protocols)
        }
        return PeerLink(id: id, hello: theirs, connection: connection)
    }

    /// Sends a message and waits for the answer.
    ///
    /// - Throws: ``LinkError`` with `rejected`; ``ChatError``; `CancellationError`.
    func exchange<Answer: Decodable>(
        _ message: some Encodable, _ path: String, for type: Answer.Type, limit: Duration
    ) async throws -> Answer {
        let limits = UpstreamLimits(firstByte: limit, stall: limit, bodyBytes: 8 << 20)
        let reply = try await connection.collect(
            try Self.request(message, path, to: connection, limits: limits))
        if let refusal = Self.refusal(in: reply) { throw LinkError.rejected(refusal) }
        guard reply.status == 200 else {
            throw ChatError(.engineError, "the node answered with status \(reply.status)")
        }
        return try JSONBody.decode(type, from: reply.body.readableBytesView)
    }

    /// Sends what this node knows of the shared state, and waits for what the other does.
    ///
    /// - Throws: As ``exchange(_:_:for:limit:)``; ``SyncMessageError``.
    func exchange(_ message: SyncMessage, limit: Duration) async throws -> SyncMessage {
        let limits = UpstreamLimits(firstByte: limit, stall: limit, bodyBytes: SyncBudget.byteLimit)
        let reply = try await connection.collect(
            request(
                .POST, PeerWire.statePath, body: ByteBuffer(bytes: message.encoded()), type: PeerWire.stateType,
                limits: limits))
        if let refusal = Self.refusal(in: reply) { throw LinkError.rejected(refusal) }
        guard reply.status == 200 else {
            throw ChatError(.engineError, "the node answered with status \(reply.status)")
        }
        return try SyncMessage(decoding: [UInt8](buffer: reply.body))
    }

    /// Asks which models the node offers.
    func models(limit: Duration) async throws -> PeerModels {
        let limits = UpstreamLimits(firstByte: limit, stall: limit, bodyBytes: 1 << 20)
        let reply = try await connection.collect(request(.GET, PeerWire.modelsPath, limits: limits))
        if let refusal = Self.refusal(in: reply) { throw LinkError.rejected(refusal) }
        return try JSONBody.decode(PeerModels.self, from: reply.body.readableBytesView)
    }

    /// A request with a body that is sent as it is.
    package func request(
        _ method: HTTPMethod, _ path: String, body: ByteBuffer? = nil, type: String? = nil, limits: UpstreamLimits
    ) -> UpstreamRequest {
        UpstreamRequest(
            method, Self.origin(of: connection), path: path,
            headers: type.map { ["Content-Type": $0] } ?? [:], body: body, limits: limits)
    }

    static func request(
        _ message: some Encodable, _ path: String, to connection: MultiplexedConnection, limits: UpstreamLimits
    ) throws -> UpstreamRequest {
        UpstreamRequest(
            .POST, origin(of: connection), path: path,
            body: ByteBuffer(bytes: try JSONBody.encode(message)), limits: limits)
    }

    package static func refusal(in reply: UpstreamReply) -> PeerRefusal? {
        guard reply.status == 403 else { return nil }
        return try? JSONBody.decode(PeerRefusal.self, from: reply.body.readableBytesView)
    }

    private static func origin(of connection: MultiplexedConnection) -> HTTPAddress {
        HTTPAddress(scheme: .https, host: connection.address.host, port: connection.address.port)
    }
}

/// Why a node could not be reached on its peer port.
package enum LinkError: Error, Hashable, Sendable {
    /// Nothing is known of where it is.
    case noAddress
    /// Every address answered that nobody listens there.
    case refused
    /// No way to any address; what the last attempt said.
    case unreachable(String)
    case timeout
    /// Another node answers at its addresses.
    case wrongNode(NodeID)
    /// It answers, and does not want to talk.
    case rejected(PeerRefusal)
    /// Both speak the protocol, in versions that have none in common.
    case incompatible(theirs: ProtocolVersions, ours: ProtocolVersions)

    /// How much it says: of several attempts, the failure with the greatest rank is the one to tell.
    var rank: Int {
        switch self {
        case .noAddress: 0
        case .refused: 1
        case .unreachable: 2
        case .timeout: 3
        case .wrongNode: 4
        case .incompatible: 5
        case .rejected: 6
        }
    }

    package init(connecting error: any Error) {
        switch error {
        case let failure as LinkError: self = failure
        case let error as NIOConnectionError:
            let failures = error.connectionErrors.map { LinkError(connecting: $0.error) }
            self = failures.max { $0.rank < $1.rank } ?? .unreachable("the name \(error.host) is unknown")
        case let error as IOError where error.errnoCode == ECONNREFUSED: self = .refused
        case let error as IOError where error.errnoCode == ETIMEDOUT: self = .timeout
        case ChannelError.connectTimeout: self = .timeout
        case is CancellationError: self = .unreachable("the connection was given up")
        default: self = .unreachable("\(error)")
        }
    }
}

extension LinkError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noAddress: "no address is known"
        case .refused: "nobody listens there"
        case .unreachable(let why): "unreachable: \(why)"
        case .timeout: "does not answer in time"
        case .wrongNode(let id): "another node, \(id.short), answers at its address"
        case .rejected(let refusal): refusal.message
        case .incompatible(let theirs, let ours):
            "speaks protocol version \(theirs), this node \(ours); update the older one"
        }
    }
}
