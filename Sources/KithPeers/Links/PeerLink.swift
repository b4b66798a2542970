// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
import KithSync
package import KithTransport
package import NIOCore
package import NIOHTTP1
import NIOPosix
import SystemPackage

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
            try request(
                hello, PeerWire.helloPath, to: connection,
                limits: UpstreamLimits(silence: limit, bodyBytes: 64 << 10)))
        try check(reply)
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
    /// - Throws: ``LinkError`` with `rejected`; `ChatError`; `CancellationError`.
    func exchange<Answer: Decodable>(
        _ message: some Encodable, _ path: String, for type: Answer.Type, limit: Duration
    ) async throws -> Answer {
        let body = try await answer(
            to: try Self.request(
                message, path, to: connection, limits: UpstreamLimits(silence: limit, bodyBytes: 8 << 20)))
        return try JSONBody.decode(type, from: body.readableBytesView)
    }

    /// Sends what this node knows of the shared state, and waits for what the other node knows.
    ///
    /// - Parameter members: The nodes whose writes count; `nil` for all.
    /// - Throws: As ``exchange(_:_:for:limit:)``; `SyncMessageError`.
    func exchange(_ message: SyncMessage, members: Set<NodeID>?, limit: Duration) async throws -> SyncMessage {
        let body = try await answer(
            to: request(
                .POST, PeerWire.statePath, body: ByteBuffer(bytes: message.encoded()), type: PeerWire.stateType,
                limits: UpstreamLimits(silence: limit, bodyBytes: SyncBudget.byteLimit)))
        return try SyncMessage(decoding: [UInt8](buffer: body), members: members)
    }

    /// Asks which models the node offers.
    func models(limit: Duration) async throws -> PeerModels {
        let limits = UpstreamLimits(silence: limit, bodyBytes: 1 << 20)
        let reply = try await ask(request(.GET, PeerWire.modelsPath, limits: limits))
        var models = try JSONBody.decode(PeerModels.self, from: reply.body.readableBytesView)
        // Each request looks at the models of all kin.
        models.models = Array(models.models.prefix(PeerModels.limit))
        return models
    }

    /// Sends a request and waits for the whole answer, whatever its status.
    ///
    /// - Throws: ``LinkError`` with `rejected` when the node does not want to talk; `ChatError`; `CancellationError`.
    package func ask(_ request: UpstreamRequest) async throws -> UpstreamReply {
        let reply = try await connection.collect(request)
        try Self.check(reply)
        return reply
    }

    /// - Throws: As ``ask(_:)``; `ChatError` for another status than 200.
    private func answer(to request: UpstreamRequest) async throws -> ByteBuffer {
        let reply = try await ask(request)
        guard reply.status == 200 else {
            throw ChatError(.engineError, "the node answered with status \(reply.status)")
        }
        return reply.body
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

    /// - Throws: ``LinkError`` with `rejected` when the node does not want to talk.
    static func check(_ reply: UpstreamReply) throws(LinkError) {
        guard reply.status == 403,
            let refusal = try? JSONBody.decode(PeerRefusal.self, from: reply.body.readableBytesView)
        else { return }
        throw .rejected(refusal)
    }

    private static func origin(of connection: MultiplexedConnection) -> HTTPAddress {
        HTTPAddress(scheme: .https, host: connection.address.host, port: connection.address.port)
    }
}

/// Why a node could not be reached on its peer port.
package enum LinkError: Error, Hashable, Sendable {
    /// No address of it is known.
    case noAddress
    /// This node itself answers at the only address of it.
    case leadsBack(PeerAddress)
    /// Every address answered that nothing listens there.
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

    /// How much it says: of several attempts, the failure with the greatest rank is reported.
    var rank: Int {
        switch self {
        case .noAddress, .leadsBack: 0
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
        case let error as IOError: self = .unreachable(Errno(rawValue: error.errnoCode).description)
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
        case .leadsBack(let address):
            "\(address) leads back to this machine, and no other address of it is known"
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
