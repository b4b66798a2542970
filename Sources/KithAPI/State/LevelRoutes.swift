// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithPeers
import KithServer

/// The levels that nodes and clients declare, as clients read and write them.
struct LevelRoutes: Sendable {
    static let path = "/api/levels"
    private static let bodyLimit = 4_096

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(Self.path, scope: .sync, [.get: { _, _ in try list() }])
        router.surface(
            Self.path + "/:source", scope: .sync,
            [
                .put: { request, context in try await write(request, try Self.source(in: context)) },
                .delete: { _, context in try await remove(try Self.source(in: context)) },
            ])
    }

    private func list() throws -> Response {
        let names = NodeNames(services)
        let levels = services.state.levels().map { StateMessage.Level($0, names: names) }
        return try .json(StateMessage.Levels(levels: levels))
    }

    private func write(_ request: Request, _ text: String) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: Self.bodyLimit)
        let level = try JSONBody.decode(StateMessage.LevelWish.self, from: bytes).level
        let source = try services.writer(text)
        try await services.state.write([.level(level, of: source)])
        let written =
            services.state.level(of: source)  // unless it has been removed again since
            ?? LevelEntry(source: source, level: level, writtenAt: .now(), writtenBy: services.mesh.ownID)
        return try .json(StateMessage.Level(written, names: NodeNames(services)))
    }

    /// Also another node's: one that was given away cannot do it itself.
    private func remove(_ text: String) async throws -> Response {
        let source = try services.source(text)
        guard let level = services.state.level(of: source) else {
            throw ControlFailure(.notFound, "this source declares no level; GET \(Self.path) lists those that do")
        }
        try await services.state.write([.level(nil, of: source)])
        return try .json(StateMessage.Level(level, names: NodeNames(services)))
    }

    private static func source(in context: NodeRequestContext) throws -> String {
        guard let text = context.parameters.get("source").flatMap({ PathSegment.unescaped($0) }) else {
            throw ControlFailure(.invalid, "the path does not name a source; give a name, a node's id, or self")
        }
        return text
    }
}
