// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithServer

/// Lets the owner send new prompts elsewhere while what runs here comes to its end.
struct DrainRoutes: Sendable {
    static let path = "/api/drain"
    private static let bodyLimit = 4_096

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(
            Self.path, scope: .admin,
            [
                .get: { _, _ in try .json(state) },
                .put: { request, _ in try await change(request) },
            ])
    }

    private func change(_ request: Request) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: Self.bodyLimit)
        services.mesh.setDraining(try JSONBody.decode(ControlMessage.DrainWish.self, from: bytes).draining)
        return try .json(state)
    }

    private var state: ControlMessage.Drain {
        let engine = services.engine.status()
        let since = services.mesh.drainingSince
        let kinAnswer = services.mesh.snapshots().contains { !$0.isSelf && $0.mayAnswer }
        return ControlMessage.Drain(
            draining: since != nil, seconds: since.map { (services.clock.now - $0).seconds.rounded(toPlaces: 1) },
            active: engine.active, queued: engine.queued, kinAnswer: kinAnswer)
    }
}
