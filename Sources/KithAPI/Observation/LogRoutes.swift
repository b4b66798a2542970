// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithModel
import KithPeers
import KithServer

/// The last lines of this node's log or of a kin's, and those to come. For its owner: lines hold names and addresses.
struct LogRoutes: Sendable {
    static let path = "/api/logs"

    let services: NodeServices
    let observation: Observation

    func add(to router: SurfaceRouter) {
        router.surface(Self.path, scope: .admin, [.get: { request, context in try await lines(request, context) }])
    }

    private func lines(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let query = try LogQuery(request)
        let mayStill = context.mayStill(.admin, request, services.access)
        guard let node = request.uri.queryParameters["node"].map(String.init), node != services.name.rawValue else {
            return try observation.logs.response(to: query, clock: services.clock, mayStill: mayStill)
        }
        return try await observation.peers.logs(of: node, query, mayStill: mayStill)
    }
}
