// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithMetrics
import KithModel
import KithServer

/// What AIOS cells and bridges ask their discovery service.
struct RegistryRoutes: Sendable {
    /// Bytes of a body.
    static let bodyLimit = 64 << 10

    let registry: RegistryService
    let identity: RegistryIdentity
    let authorise: RegistryAccess.Rule
    let reading: RegistryAccess.Rule
    let metrics: ListenerMetrics

    func add(to router: SurfaceRouter) {
        router.surface("/health", scope: .everyone, [.get: { _, _ in try health() }])
        router.surface(
            "/peers", scope: .everyone,
            [
                .get: { request, context in
                    try await check(request, context, by: reading)
                    return try peers()
                }
            ])
        router.surface(
            "/metrics", scope: .everyone,
            [
                .get: { request, context in
                    try await check(request, context, by: reading)
                    return await metrics.response(to: request, with: families())
                }
            ])
        // Who may change an entry depends on its owner, so the handlers decide.
        router.surface("/register", scope: .everyone, [.post: { try await register($0, $1) }])
        router.surface("/heartbeat", scope: .everyone, [.post: { try await heartbeat($0, $1) }])
        router.surface("/deregister", scope: .everyone, [.post: { try await deregister($0, $1) }])
        router.surface(
            "/peer/:id", scope: .everyone,
            [
                .delete: { request, context in
                    let id = try await remove(request, context)
                    return try .json(RegistryAnswer(status: "deregistered", cell_id: id))
                }
            ])
        router.surface(
            "/unregister/:id", scope: .everyone,
            [
                .delete: { request, context in
                    _ = try await remove(request, context)
                    return try .json(RegistryAnswer(status: "unregistered"))
                }
            ])
    }

    // MARK: Reading

    private func health() throws -> Response {
        try .json(RegistryHealthAnswer(identity.cell()))
    }

    private func peers() throws -> Response {
        let cells = registry.cells()
        return try .json(
            RegistryPeersAnswer(peers: cells.map(CellBody.init), count: cells.count, my_host: identity.host))
    }

    private func families() -> [MetricFamily] {
        let (own, cells) = (identity.cell(), registry.cells())
        return [
            .level(own.level, ofCell: own.cellID), .info(ofCell: own.cellID, branch: own.branch),
            MetricFamily(
                "aios_discovery_peers", .gauge, "Cells that are registered and have not expired.",
                value: Double(cells.count)),
            MetricFamily(
                "aios_peer_consciousness_level", .gauge, "The level that a registered cell told last.",
                cells.map { .init($0.level, ["cell_id": $0.cellID]) }),
            .uptime(registry.uptime),
        ]
    }

    // MARK: Changing

    private func register(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let owner = try await owner(of: request, context)
        let body = try await request.detailBody(upTo: Self.bodyLimit)
        let cell = try CellInfo(body: body)
        try RegistryRefusal.check(
            registry.change(.entries) { $0.register(cell, by: owner, at: $1, wall: $2) }, body: body)
        return try .json(RegistryAnswer(status: "registered", cell_id: cell.cellID))
    }

    private func heartbeat(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let owner = try await owner(of: request, context)
        let body = try await request.detailBody(upTo: Self.bodyLimit)
        var fields = try FieldReader(body)
        let (id, level) = (fields.text("cell_id"), fields.number("consciousness_level"))
        try fields.check()
        let (refusal, count) = registry.change(.heartbeat) { registry, now, wall in
            (
                registry.heartbeat(id, level: level, by: owner, at: now, wall: wall),
                registry.cells(at: now).count
            )
        }
        try RegistryRefusal.check(refusal, body: body)
        return try .json(RegistryAnswer(status: "ok", cell_id: id, peers_count: count))
    }

    private func deregister(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let owner = try await owner(of: request, context)
        var fields = try FieldReader(try await request.detailBody(upTo: Self.bodyLimit))
        let id = fields.text("cell_id")
        try fields.check()
        try remove(id, by: owner)
        return try .json(RegistryAnswer(status: "deregistered", cell_id: id))
    }

    private func remove(_ request: Request, _ context: NodeRequestContext) async throws -> String {
        let owner = try await owner(of: request, context)
        let id = context.pathParameter("id") ?? ""
        try remove(id, by: owner)
        return id
    }

    private func remove(_ id: String, by owner: RegistryOwner) throws {
        let refusal = registry.change(.entries) { registry, now, _ in registry.deregister(id, by: owner, at: now) }
        if case .unknown = refusal { throw FastAPIRefusal(status: .notFound, message: "Peer not found") }
        try RegistryRefusal.check(refusal, body: .null)
    }

    // MARK: Requests

    private func owner(of request: Request, _ context: NodeRequestContext) async throws -> RegistryOwner {
        try await check(request, context, by: authorise)
    }

    @discardableResult
    private func check(
        _ request: Request, _ context: NodeRequestContext, by rule: RegistryAccess.Rule
    ) async throws -> RegistryOwner {
        let caller = RegistryCaller(
            head: request.head, remoteAddress: context.source, source: context.arrival)
        switch await rule(caller) {
        case .allowed(let owner): return owner
        case .refused(let why):
            throw FastAPIRefusal(status: .unauthorized, message: why, headers: [.wwwAuthenticate: "Bearer"])
        }
    }
}

/// The answers to what changes the registry; keys that do not belong are left out.
struct RegistryAnswer: Encodable {
    var status: String
    var cell_id: String?
    var peers_count: Int?
}

/// The answer to `GET /peers`.
struct RegistryPeersAnswer: Encodable {
    var peers: [CellBody]
    var count: Int
    var my_host: String
}

/// The answer to `GET /health`.
struct RegistryHealthAnswer: Encodable {
    var status = "healthy"
    var cell_id: String
    var branch: String
    var consciousness_level: Double
    var services: [String]
    var type: String
    var hostname: String

    init(_ cell: CellInfo) {
        cell_id = cell.cellID
        branch = cell.branch
        consciousness_level = cell.level
        services = cell.services
        type = cell.type
        hostname = cell.hostname
    }
}

/// What the registry says of the node it runs on.
package struct RegistryIdentity: Sendable {
    /// `my_host` in the list of peers.
    package var host: String
    /// Asked again for each answer, because the level changes.
    package var cell: @Sendable () -> CellInfo

    package init(host: String, cell: @escaping @Sendable () -> CellInfo) {
        self.host = host
        self.cell = cell
    }
}

extension RegistryRefusal {
    /// - Throws: The refusal as the client is told it, if there is one.
    static func check(_ refusal: RegistryRefusal?, body: JSONValue) throws {
        guard let refusal else { return }
        switch refusal {
        case .unusable(let field, let why):
            throw UnusableBody(field: field, why: why, input: body[field] ?? .null)
        case .unknown: throw FastAPIRefusal(status: .notFound, message: refusal.message)
        case .taken: throw FastAPIRefusal(status: .conflict, message: refusal.message)
        case .foreign: throw FastAPIRefusal(status: .forbidden, message: refusal.message)
        case .full: throw FastAPIRefusal(status: .serviceUnavailable, message: refusal.message)
        }
    }
}
