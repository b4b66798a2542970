// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel

/// The role *cell*, for kin: what its own port offers, without a key because kin prove who they are.
struct CellPeerRoutes: Sendable {
    /// Bytes.
    static let bodyLimit = 1 << 20

    let services: PeerServices

    func add(to router: PeerRouter) {
        router.peer(PeerWire.cellHealthPath, .get, for: .kin, of: services) { _, _ in
            try Response.json(try cell().health())
        }
        router.peer(PeerWire.cellAssistPath, .post, for: .kin, of: services) { request, _ in
            let cell = try cell()
            let asked = try await body(of: request, as: CellMessage.AssistRequest.self)
            let deadline = try request.headers.kinDeadline(now: services.clock.now)
            let answer = try await cell.assist(asked, until: deadline)
            return try Response.json(answer, headers: .route(answer.route))
        }
        router.peer(PeerWire.cellSyncPath, .post, for: .kin, of: services) { request, _ in
            let cell = try cell()
            let delivery = try request.headers.deliveryKey()
            let said = try await body(of: request, as: CellMessage.SyncRequest.self)
            return try Response.json(try await cell.sync(said, delivery: delivery))
        }
    }

    private func cell() throws -> any CellAnswering {
        guard let cell = services.work.cell else { throw SurfaceRefusal.roleMissing("cell") }
        return cell
    }

    private func body<Body: Decodable>(of request: Request, as type: Body.Type) async throws -> Body {
        try JSONBody.decode(type, from: try await request.jsonBody(upTo: Self.bodyLimit))
    }
}
