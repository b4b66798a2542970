// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithModel
package import KithPeers
import KithServer

/// What clients and bridges ask an AIOS cell, and what a discovery service tells it.
struct CellRoutes: Sendable {
    let cell: CellService
    let registry: RegistryService?
    /// Bytes.
    let bodyLimit: Int

    func add(to router: SurfaceRouter) {
        // Tells the cell's level, so that on other than loopback listeners it is for those who work with the cell.
        router.surface("/health", scope: [.read, .assist, .sync], [.get: { _, _ in try .json(cell.health()) }])
        router.surface("/health/live", scope: .everyone, [.get: { _, _ in try .json(["status": "alive"]) }])
        router.surface("/code-assist", scope: .assist, [.post: { request, _ in try await assist(request) }])
        router.surface("/sync-consciousness", scope: .sync, [.post: { request, _ in try await sync(request) }])
        router.surface("/register", scope: .peer, [.post: { try await register($0, $1) }])
    }

    private func assist(_ request: Request) async throws -> Response {
        let deadline = try request.headers.deadline(now: cell.clock.now)
        let body = try await request.detailBody(upTo: bodyLimit)
        var fields = try FieldReader(body)
        let asked = CellMessage.AssistRequest(
            code: fields.text("code"), context: fields.object("context"), action: fields.text("action", or: "analyze"))
        try fields.check()
        do {
            let answer = try await cell.assist(asked, until: deadline)
            return try .json(answer, headers: .route(answer.route))
        } catch let failure as ChatError where failure.code == .invalidRequest {
            throw UnusableBody(field: failure.field ?? "code", why: failure.message, input: .string(asked.action))
        }
    }

    private func sync(_ request: Request) async throws -> Response {
        let delivery = try request.headers.deliveryKey()
        var fields = try FieldReader(try await request.detailBody(upTo: bodyLimit))
        let said = CellMessage.SyncRequest(
            level: fields.requiredNumber("level"), context: fields.object("context"),
            source: fields.member("source") == .null ? nil : fields.text("source", or: ""))
        try fields.check()
        let answer: CellMessage.SyncAnswer
        do {
            answer = try await cell.sync(said, delivery: delivery)
        } catch {
            throw Self.problem(error)
        }
        return try .json(answer)
    }

    /// Names the field where one is at fault.
    private static func problem(_ refusal: StateRefusal) -> any Error {
        guard let fault = refusal.cause as? SyncPlan.Fault else {
            guard refusal.code == .invalid else { return refusal }
            return UnusableBody(field: "context", why: refusal.message, input: .null)
        }
        return UnusableBody([
            FieldError(
                type: "value_error", location: [.name("body")] + fault.path.map { .name($0) },
                message: "Value error, \(fault.why)", input: fault.input)
        ])
    }

    /// A discovery service that has found this cell tells of itself.
    private func register(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let body = try await request.detailBody(upTo: RegistryRoutes.bodyLimit)
        let other = try CellInfo(body: body)
        let owner = context.registryOwner
        if let registry {
            try RegistryRefusal.check(
                registry.change(.entries) { $0.register(other, by: owner, at: $1, wall: $2) }, body: body)
        } else {
            // Held to the same rules, and then forgotten.
            var nowhere = Registry()
            try RegistryRefusal.check(nowhere.register(other, by: owner, at: .zero, wall: .epoch), body: body)
        }
        return try .json(RegistryAnswer(status: "registered", cell_id: other.cellID))
    }
}

extension NodeRequestContext {
    /// Whose the entries are that this caller makes in a registry.
    var registryOwner: RegistryOwner {
        if case .success(.key(let key)) = caller { return .principal(key.id) }
        return .connected(from: source)
    }
}

extension HTTPFields {
    /// What names a write that may come more than once, from `Idempotency-Key`.
    ///
    /// - Throws: ``UnusableBody`` for what cannot be one.
    func deliveryKey() throws -> DeliveryKey? {
        guard let text = self[.idempotencyKey] else { return nil }
        guard let key = DeliveryKey(text) else {
            throw UnusableBody([
                FieldError(
                    type: "value_error", location: [.name("header"), .name("idempotency-key")],
                    message: "Value error, a key has from 1 to 128 bytes and no control characters",
                    input: .string(String(text.prefix(200))))
            ])
        }
        return key
    }
}

extension HTTPField.Name {
    static let idempotencyKey = Self.known("idempotency-key")
}

/// The role *cell*, for kin: what its own port offers, without a key because kin prove who they are.
package struct CellPeerRoutes: PeerRouteGroup {
    /// Bytes.
    static let bodyLimit = 1 << 20

    private let cell: (any CellAnswering)?

    /// - Parameter cell: `nil` on a node without the role, which says so.
    package init(cell: (any CellAnswering)?) { self.cell = cell }

    package func add(to router: PeerRouter, services: PeerServices) {
        router.peer(PeerWire.cellHealthPath, .get, for: .kin, of: services) { _, _ in
            try Response.json(try found().health())
        }
        router.peer(PeerWire.cellAssistPath, .post, for: .kin, of: services) { request, _ in
            let cell = try found()
            let asked = try await body(of: request, as: CellMessage.AssistRequest.self)
            let deadline = try request.headers.kinDeadline(now: services.clock.now)
            let answer = try await cell.assist(asked, until: deadline)
            return try Response.json(answer, headers: .route(answer.route))
        }
        router.peer(PeerWire.cellSyncPath, .post, for: .kin, of: services) { request, _ in
            let cell = try found()
            let delivery = try request.headers.deliveryKey()
            let said = try await body(of: request, as: CellMessage.SyncRequest.self)
            return try Response.json(try await cell.sync(said, delivery: delivery))
        }
    }

    private func found() throws -> any CellAnswering {
        guard let cell else { throw SurfaceRefusal.roleMissing("cell") }
        return cell
    }

    private func body<Body: Decodable>(of request: Request, as type: Body.Type) async throws -> Body {
        try JSONBody.decode(type, from: try await request.jsonBody(upTo: Self.bodyLimit))
    }
}
