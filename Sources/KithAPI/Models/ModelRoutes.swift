// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
package import KithInference
import KithModel
package import KithPeers
import KithServer

/// The models of a node, and those of its kin.
package struct ModelFeature: Sendable {
    package var orders: ModelOrders
    package var kin: KinModels
    /// `nil` where no model is loaded ahead.
    package var warmer: ModelWarmer?
    let plans = PlanDesk()

    package init(orders: ModelOrders, kin: KinModels, warmer: ModelWarmer? = nil) {
        self.orders = orders
        self.kin = kin
        self.warmer = warmer
    }

    /// The models of this node and of all kin that are there.
    ///
    /// - Throws: `ControlError` when too many look already.
    func everywhere() async throws -> ModelMessage.List {
        async let others = kin.lists()
        var all = await orders.models.list()
        let more = try await others
        all.models += more.models
        all.engines += more.engines
        all.pulls += more.pulls
        all.missing += more.missing
        return all
    }
}

/// Which models there are, and what their owner does with them: here, or with `?node=` at a kin.
struct ModelRoutes: Sendable {
    static let path = "/api/models"
    /// Bytes; names are short.
    private static let bodyLimit = 4_096

    let services: NodeServices
    let models: ModelFeature

    func add(to router: SurfaceRouter) {
        router.surface(Self.path, scope: .read, [.get: { request, _ in try .json(try await list(request)) }])
        router.surface(
            Self.path + "/pull", scope: .admin, [.post: { request, context in try await pull(request, context) }])
        router.surface(
            Self.path + "/pull/:name", scope: .admin, [.delete: { try await perform(.cancel, $0, $1) }])
        router.surface(
            Self.path + "/:name/load", scope: .admin,
            [
                .post: { request, context in
                    let wish =
                        try await Self.body(ModelMessage.LoadRequest.self, of: request) ?? ModelMessage.LoadRequest()
                    return try await perform(.load, request, context) { $0.forSeconds = wish.forSeconds }
                }
            ])
        router.surface(
            Self.path + "/:name/unload", scope: .admin, [.post: { try await perform(.unload, $0, $1) }])
        router.surface(
            Self.path + "/:name/copy", scope: .admin,
            [
                .post: { request, context in
                    let wish = try await request.decode(ModelMessage.CopyRequest.self, upTo: Self.bodyLimit)
                    return try await perform(.copy, request, context) { $0.newName = wish.newName }
                }
            ])
        addOne(to: router)
    }

    /// One path, looked at by those who may read and changed by its owner: each method says so itself.
    private func addOne(to router: SurfaceRouter) {
        router.surface(
            Self.path + "/:name", scope: [.read, .admin],
            [
                .get: { request, context in
                    try context.require(.read)
                    let done = try await done(.show, request, context)
                    guard let model = done.model else { throw ControlError(.notFound, "there is no such model") }
                    return try .json(model)
                },
                .delete: { request, context in
                    try context.require(.admin)
                    let isForced = try Self.flag("force", of: request)
                    return try await perform(.remove, request, context) { $0.force = isForced }
                },
            ])
    }

    // MARK: Requests

    private func list(_ request: Request) async throws -> ModelMessage.List {
        if let node = kin(in: request) { return try await models.kin.list(of: node) }
        return try await Self.flag("all", of: request) ? models.everywhere() : models.orders.models.list()
    }

    private func pull(_ request: Request, _ context: NodeRequestContext) async throws -> Response {
        let wanted = try await request.decode(ModelMessage.PullRequest.self, upTo: Self.bodyLimit)
        let mayStill = context.mayStill(.admin, request, services.access)
        if let node = kin(in: request) { return try await models.kin.pull(wanted, at: node, mayStill: mayStill) }
        let pull = try await models.orders.pull(wanted, by: context.keyID, from: context.source)
        let writer = PullStreamWriter(pull: pull, clock: services.clock, mayStill: mayStill)
        return .eventStream { try await writer.write(to: &$0) }
    }

    private func perform(
        _ deed: ModelMessage.Order.Deed, _ request: Request, _ context: NodeRequestContext,
        _ complete: (inout ModelMessage.Order) -> Void = { _ in }
    ) async throws -> Response {
        try .json(try await done(deed, request, context, complete))
    }

    private func done(
        _ deed: ModelMessage.Order.Deed, _ request: Request, _ context: NodeRequestContext,
        _ complete: (inout ModelMessage.Order) -> Void = { _ in }
    ) async throws -> ModelMessage.Done {
        guard let name = context.pathParameter("name"), !name.isEmpty else {
            throw ControlError(.invalid, "the path does not name a model; GET \(Self.path) lists them")
        }
        var order = ModelMessage.Order(deed, name: name, engine: request.uri.queryParameters["engine"].map(String.init))
        complete(&order)
        if let node = kin(in: request) { return try await models.kin.done(order, at: node) }
        return try await models.orders.done(order, by: context.keyID, from: context.source)
    }

    /// - Returns: `nil` for this node itself.
    private func kin(in request: Request) -> String? {
        request.uri.queryParameters["node"].map(String.init).flatMap { $0 == services.name.rawValue ? nil : $0 }
    }

    private static func flag(_ name: String, of request: Request) throws -> Bool {
        switch request.uri.queryParameters[name[...]].map(String.init) {
        case nil, "0": false
        case "1", "": true
        default: throw ControlError(.invalid, "'\(name)' must be 0 or 1")
        }
    }

    /// - Returns: `nil` for an empty body.
    private static func body<Body: Decodable>(_ type: Body.Type, of request: Request) async throws -> Body? {
        let bytes = try await request.jsonBody(upTo: bodyLimit)
        return bytes.isEmpty ? nil : try JSONBody.decode(type, from: bytes)
    }
}

extension NodeRequestContext {
    /// The key that was shown, by its id; `nil` for the owner's token.
    fileprivate var keyID: String? {
        if case .success(.key(let key)) = caller { key.id } else { nil }
    }
}
