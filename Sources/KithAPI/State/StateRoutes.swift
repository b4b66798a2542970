// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithPeers
import KithServer

/// What the user is working on, as clients read and write it. When a write is answered, it is on disk, and on its way
/// to all kin.
struct ContextRoutes: Sendable {
    static let path = "/api/context"
    /// Bytes; text may be written with escapes, which are longer than what is kept.
    private static let bodyLimit = 4 * Operation.valueLimit
    /// Bytes of a list; the rest is asked for with the next.
    private static let listLimit = 4 << 20

    let services: NodeServices

    func add(to router: SurfaceRouter) {
        router.surface(
            Self.path, scope: .sync,
            [.get: { request, _ in try list(request) }, .delete: { request, _ in try await clear(request) }])
        router.surface(
            Self.path + "/:key", scope: .sync,
            [
                .get: { _, context in try .json(try entry(Self.key(in: context))) },
                .put: { request, context in try await write(request, Self.key(in: context)) },
                .delete: { _, context in try await remove(Self.key(in: context)) },
            ])
    }

    // MARK: Requests

    private func list(_ request: Request) throws -> Response {
        let names = NodeNames(services)
        let last = request.uri.queryParameters["after"].map(String.init)
        var page = StateMessage.Context(context: [])
        var room = Self.listLimit
        for entry in services.state.context() where last.map({ $0 < entry.key }) ?? true {
            let entry = StateMessage.ContextEntry(entry, names: names)
            room -= try JSONBody.encode(entry).count
            guard room >= 0 || page.context.isEmpty else {
                page.hasMore = true
                break
            }
            page.context.append(entry)
        }
        return try .json(page)
    }

    private func write(_ request: Request, _ key: String) async throws -> Response {
        let wish = try await request.decode(StateMessage.ContextRequest.self, upTo: Self.bodyLimit)
        guard try JSONBody.encode(wish.value).count <= Operation.valueLimit else {
            throw ControlError(.invalid, "'value' must have at most \(Operation.valueLimit) bytes as JSON")
        }
        let source = try services.writer(wish.source)
        try await services.state.write([.context(key, wish.value, by: source)])
        if let written = find(key) { return try .json(written) }
        // It has been removed again since.
        let value = ContextEntry.Value(
            value: wish.value, source: source, writtenAt: .now(), writtenBy: services.mesh.ownID)
        return try .json(
            StateMessage.ContextEntry(ContextEntry(key: key, values: [value]), names: NodeNames(services)))
    }

    private func remove(_ key: String) async throws -> Response {
        let entry = try entry(key)
        try await services.state.write([.context(key, nil, by: try services.writer(nil))])
        return try .json(entry)
    }

    /// Only by this exact path: a client that left out the key must not lose all of them.
    private func clear(_ request: Request) async throws -> Response {
        guard request.uri.path == Self.path else { throw Self.unusableKey }
        let source = try services.writer(nil)
        let keys = services.state.context().map(\.key)
        if !keys.isEmpty { try await services.state.write(keys.map { .context($0, nil, by: source) }) }
        return try .json(StateMessage.Cleared(removed: keys))
    }

    // MARK: Keys

    private func find(_ key: String) -> StateMessage.ContextEntry? {
        services.state.context(of: key).map { StateMessage.ContextEntry($0, names: NodeNames(services)) }
    }

    private func entry(_ key: String) throws -> StateMessage.ContextEntry {
        guard let entry = find(key) else {
            throw ControlError(.notFound, "nothing is known under this key; GET \(Self.path) lists the keys")
        }
        return entry
    }

    private static func key(in context: NodeRequestContext) throws -> String {
        guard let text = context.pathParameter("key"),
            case .context(let key)? = RegisterKey(.context, name: text)
        else { throw unusableKey }
        return key
    }

    private static let unusableKey = ControlError(
        .invalid, "a key must have 1 to \(RegisterKey.nameLimit) bytes and no control characters")
}

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
        let level = try await request.decode(StateMessage.LevelRequest.self, upTo: Self.bodyLimit).level
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
            throw ControlError(.notFound, "this source declares no level; GET \(Self.path) lists those that do")
        }
        try await services.state.write([.level(nil, of: source)])
        return try .json(StateMessage.Level(level, names: NodeNames(services)))
    }

    private static func source(in context: NodeRequestContext) throws -> String {
        guard let text = context.pathParameter("source") else {
            throw ControlError(.invalid, "the path does not name a source; give a name, a node's id, or self")
        }
        return text
    }
}
