// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithModel
package import KithPeers
import KithServer

/// What clients and bridges ask an AIOS cell, and what a discovery service tells it.
struct CellRoutes: Sendable {
    let cell: CellService
    let registry: RegistryService?
    let limits: CallerLimits
    /// Bytes.
    let bodyLimit: Int

    func add(to router: SurfaceRouter) {
        // Tells the cell's level, so that on other than loopback listeners it needs one of the cell's scopes.
        router.surface("/health", scope: [.read, .assist, .sync], [.get: { _, _ in try .json(cell.health()) }])
        router.surface("/health/live", scope: .everyone, [.get: { _, _ in try .json(["status": "alive"]) }])
        router.surface("/code-assist", scope: .assist, [.post: { try await assist($0, $1) }])
        router.surface("/sync-consciousness", scope: .sync, [.post: { request, _ in try await sync(request) }])
        router.surface("/register", scope: .peer, [.post: { try await register($0, $1) }])
    }

    private func assist(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let deadline = try request.headers.deadline(now: cell.clock.now)
        let asked = try CellMessage.AssistRequest(body: try await request.detailBody(upTo: bodyLimit))
        do {
            let account = try cell.account(of: try context.caller.get(), code: asked.code, limits: limits)
            let answer = try await cell.assist(asked, until: deadline, account: account)
            return try .json(answer, headers: .route(answer.route))
        } catch let failure as ChatError {
            if let unusable = UnusableBody(failure, in: asked) { throw unusable }
            throw failure
        }
    }

    private func sync(_ request: Request) async throws -> Response {
        let delivery = try request.headers.deliveryKey()
        let said = try CellMessage.SyncRequest(body: try await request.detailBody(upTo: bodyLimit))
        let answer: CellMessage.SyncAnswer
        do {
            answer = try await cell.sync(said, delivery: delivery)
        } catch {
            if let unusable = UnusableBody(error) { throw unusable }
            throw error
        }
        return try .json(answer)
    }

    /// A discovery service that has found this cell introduces itself.
    private func register(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let body = try await request.detailBody(upTo: RegistryRoutes.bodyLimit)
        let other = try CellInfo(body: body)
        let owner = context.registryOwner
        if let registry {
            try RegistryRefusal.check(
                registry.change(.entries) { $0.register(other, by: owner, at: $1, wall: $2) }, body: body)
        } else {
            // Checked by the same rules, and then forgotten.
            var nowhere = Registry()
            try RegistryRefusal.check(nowhere.register(other, by: owner, at: .zero, wall: .epoch), body: body)
        }
        return try .json(RegistryAnswer(status: "registered", cell_id: other.cellID))
    }
}

extension NodeRequestContext {
    /// The owner of the entries that this caller makes in a registry.
    var registryOwner: RegistryOwner {
        if case .success(.key(let key)) = caller { return .principal(key.id) }
        return .connected(from: source)
    }
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
            let asked = try await request.decode(CellMessage.AssistRequest.self, upTo: Self.bodyLimit)
            let deadline = try request.headers.kinDeadline(now: services.clock.now)
            let answer = try await cell.assist(asked, until: deadline, account: nil)
            return try Response.json(answer, headers: .route(answer.route))
        }
        router.peer(PeerWire.cellSyncPath, .post, for: .kin, of: services) { request, _ in
            let cell = try found()
            let said = try await request.decode(CellMessage.SyncRequest.self, upTo: Self.bodyLimit)
            return try Response.json(try cell.answer(toKin: said))
        }
    }

    private func found() throws -> any CellAnswering {
        guard let cell else { throw SurfaceRefusal.roleMissing("cell") }
        return cell
    }
}
