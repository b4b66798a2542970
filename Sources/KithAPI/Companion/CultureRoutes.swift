// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithCulture
import KithDialects
import KithModel
import KithServer
import KithStore

/// The culture of this node and its kin, as its owner reads and tends it.
struct CultureRoutes: Sendable {
    static let path = "/api/culture"
    private static let bodyLimit = 16 << 20
    private static let pageLimit = 1_000
    private static let page = 50

    let services: NodeServices
    let company: CompanionFeature

    func add(to router: SurfaceRouter) {
        router.surface(
            Self.path, scope: .read,
            [.get: { request, _ in try await list(request) }])
        router.surface(Self.path + "/import", scope: .admin, [.post: { request, _ in try await take(request) }])
        router.surface(
            Self.path + "/:id", scope: .read, [.get: { _, context in try await show(Self.id(in: context)) }])
        router.surface(
            Self.path + "/:id/standing", scope: .admin,
            [.put: { request, context in try await decide(request, Self.id(in: context)) }])
        router.surface(
            Self.path + "/:id/forget", scope: .admin, [.post: { _, context in try await forget(Self.id(in: context)) }])
    }

    private func list(_ request: Request) async throws -> Response {
        let query = request.uri.queryParameters
        let limit = try request.queryNumber("limit", in: 1...Self.pageLimit) ?? Self.page
        let offset = try request.queryNumber("offset", in: 0...1_000_000) ?? 0
        let found: [Insight]
        let total: Int
        if let words = query["q"] {
            found = try await services.store.searchInsights(String(words), limit: limit)
            total = found.count
        } else {
            let shelf = try Self.shelf(query["shelf"].map(String.init) ?? "live")
            found = try await services.store.insights(on: shelf, limit: limit, offset: offset)
            total = try await services.store.insightCount(on: shelf)
        }
        let now = WallTime.now()
        return try .json(
            CultureMessage.Entries(total: total, insights: found.map { CultureMessage.Entry($0, now: now) }))
    }

    private func show(_ id: InsightID) async throws -> Response {
        try .json(CultureMessage.Entry(try await insight(id), now: .now()))
    }

    private func decide(_ request: Request, _ id: InsightID) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: 4_096)
        var insight = try await insight(id)
        switch try JSONBody.decode(CultureMessage.Decision.self, from: bytes).standing {
        case "live": insight.standing = .live
        case "rejected": insight.standing = .rejected
        default: throw ControlError(.invalid, "'standing' must be live or rejected")
        }
        try await company.culture.write(insight)
        return try .json(CultureMessage.Entry(insight, now: .now()))
    }

    private func forget(_ id: InsightID) async throws -> Response {
        let insight = try await insight(id)
        try await company.culture.forget([id])
        return try .json(CultureMessage.Entry(insight, now: .now()))
    }

    private func take(_ request: Request) async throws -> Response {
        let collection = try await request.decode(CultureMessage.Collection.self, upTo: Self.bodyLimit)
        guard collection.format == CultureMessage.Collection.format else {
            throw ControlError(.invalid, "this is no culture as kith culture export writes it")
        }
        let insights = collection.insights.compactMap(\.insight)
        try await company.culture.write(insights)
        return try .json(
            CultureMessage.Imported(imported: insights.count, refused: collection.insights.count - insights.count))
    }

    private func insight(_ id: InsightID) async throws -> Insight {
        guard let insight = try await services.store.insight(id) else { throw Self.unknown }
        return insight
    }

    private static let unknown = ControlError(
        .notFound, "there is no insight of this id; kith culture list shows them")

    private static func id(in context: NodeRequestContext) throws -> InsightID {
        guard let id = context.parameters.get("id").flatMap({ InsightID(String($0)) }) else { throw unknown }
        return id
    }

    private static func shelf(_ name: String) throws -> InsightShelf {
        switch name {
        case "live": .live
        case "waiting": .waiting
        case "rejected": .rejected
        case "archived": .archived
        default: throw ControlError(.invalid, "'shelf' must be live, waiting, rejected or archived")
        }
    }
}
