// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithInference
import KithModel
import KithPeers
import KithServer

/// Which models are on which machines, and who would answer next; to move one, there are the orders of ``ModelRoutes``.
struct PlaceRoutes: Sendable {
    static let path = "/api/place"

    let services: NodeServices
    let models: ModelFeature

    func add(to router: SurfaceRouter) {
        router.surface(Self.path, scope: .read, [.get: { request, _ in try .json(try await plan(request)) }])
    }

    private func plan(_ request: Request) async throws -> PlaceMessage.Plan {
        let wanted = try request.uri.queryParameters["model"].map { name in
            guard ModelName.isListable(String(name)) else {
                throw ControlError(.invalid, "'model' must have 1 to \(ModelName.longest) bytes")
            }
            return ModelID(String(name))
        }
        return try await models.plans.plan(of: wanted, clock: services.clock) { try await plan(of: wanted) }
    }

    private func plan(of wanted: ModelID?) async throws -> PlaceMessage.Plan {
        let list = try await models.everywhere()
        let dispatcher = services.dispatcher
        let nodes = services.mesh.snapshots()
        var plan = await PlacePlan(nodes: nodes, list: list)
            .message(of: wanted) { dispatcher.explain($0, $1, among: nodes) }
        plan.ahead = await models.warmer?.next().map { PlaceMessage.Ahead(node: services.name.rawValue, $0) }
        guard let wanted, plan.models.isEmpty else { return plan }
        let known = nodes.flatMap { $0.models.map(\.id.rawValue) } + list.models.map(\.name)
        let near = NameSuggestion.nearest(to: wanted.rawValue, among: known, limit: 4)
        throw ControlError(
            .notFound,
            "no machine of yours has a model '\(HarmlessText(wanted.rawValue, limit: 80))'"
                + (near.map { "; did you mean \($0)?" } ?? "; kith place shows those there are"))
    }
}

extension PlaceMessage.Ahead {
    init(node: String, _ action: LoadAhead.Action) {
        let deed: PlaceMessage.Ahead.Deed =
            switch action {
            case .keep: .keep
            case .load: .load
            }
        self.init(node: node, model: action.model.rawValue, deed: deed)
    }
}
