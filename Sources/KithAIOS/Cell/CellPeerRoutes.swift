// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
package import KithPeers
import KithServer

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
            let asked = try await body(of: request, as: CellMessage.AssistRequest.self)
            let deadline = try request.headers.kinDeadline(now: services.clock.now)
            let answer = try await found().assist(asked, until: deadline)
            return try Response.json(answer, headers: .route(answer.route))
        }
        router.peer(PeerWire.cellSyncPath, .post, for: .kin, of: services) { request, _ in
            let delivery = try request.headers.deliveryKey()
            let said = try await body(of: request, as: CellMessage.SyncRequest.self)
            return try Response.json(try await found().sync(said, delivery: delivery))
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
