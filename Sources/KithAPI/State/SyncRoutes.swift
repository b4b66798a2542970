// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithPeers
import KithServer

/// How far this node and its kin agree; what `kith sync status` shows.
struct SyncRoutes: Sendable {
    static let path = "/api/sync"

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(Self.path, scope: .read, [.get: { _, _ in try report() }])
    }

    private func report() throws -> Response {
        let own = services.mesh.ownID
        let gossiped = Dictionary(
            services.mesh.peers().compactMap { peer in peer.id.map { ($0, peer.load?.level) } },
            uniquingKeysWith: { first, _ in first })
        let report = StateMessage.Sync(
            services.state.report(), own: own, names: NodeNames(services), now: .now()
        ) { [services] id in
            id == own ? services.level() : services.state.level(of: .node(id))?.level ?? gossiped[id] ?? nil
        }
        return try .json(report)
    }
}
