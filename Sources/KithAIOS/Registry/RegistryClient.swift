// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTransport
import NIOCore
import NIOHTTP1

/// Asks a discovery service of the seeds.
struct RegistryClient: Sendable {
    let endpoint: PeerEndpoint
    let upstream: UpstreamClient
    /// For the whole of one question.
    var limit = Duration.seconds(8)

    private var limits: UpstreamLimits {
        UpstreamLimits(firstByte: .seconds(3), stall: .seconds(3), whole: limit, bodyBytes: 1 << 20)
    }

    private struct Heartbeat: Encodable {
        var cell_id: String
        var consciousness_level: Double
    }

    /// - Throws: `ChatError`; `CancellationError`.
    func register(_ cell: CellInfo) async throws {
        try Self.check(try await send(.POST, "/register", CellBody(cell)))
    }

    /// - Returns: Whether the service knows the cell.
    /// - Throws: `ChatError`; `CancellationError`.
    func heartbeat(_ cell: CellInfo) async throws -> Bool {
        let reply = try await send(
            .POST, "/heartbeat", Heartbeat(cell_id: cell.cellID, consciousness_level: cell.level))
        if reply.status == 404 { return false }
        try Self.check(reply)
        return true
    }

    /// The cells that the service knows; what of them cannot be read is left out.
    ///
    /// - Throws: `ChatError`; `CancellationError`.
    func cells() async throws -> [CellInfo] {
        let reply = try await send(.GET, "/peers", Optional<CellBody>.none)
        try Self.check(reply)
        let body = try? JSONBody.decode(JSONValue.self, from: reply.body.readableBytesView)
        guard let list = body?["peers"]?.arrayValue else {
            throw ChatError(.invalidAnswer, "its answer to /peers is not a list of cells")
        }
        return list.prefix(Registry.maximumEntries).compactMap { try? CellInfo(body: $0) }
    }

    /// - Throws: `ChatError`; `CancellationError`.
    func deregister(_ id: String) async throws {
        try Self.check(try await send(.DELETE, "/peer/\(PathSegment.escaped(id))", Optional<CellBody>.none))
    }

    private func send(_ method: HTTPMethod, _ path: String, _ body: (some Encodable)?) async throws -> UpstreamReply {
        let headers: HTTPHeaders = endpoint.key.map { ["Authorization": "Bearer \($0.reveal())"] } ?? [:]
        let request = UpstreamRequest(
            method, endpoint.address, path: path, headers: headers,
            body: try body.map { ByteBuffer(bytes: try JSONBody.encode($0)) }, limits: limits)
        return try await upstream.collect(request)
    }

    private static func check(_ reply: UpstreamReply) throws {
        guard reply.status != 200 else { return }
        let body = try? JSONBody.decode(JSONValue.self, from: reply.body.readableBytesView)
        let detail = body?["detail"]?.stringValue.map { ": \($0.prefix(200))" } ?? ""
        throw ChatError(.engineError, "it answered with status \(reply.status)\(detail)")
    }
}
