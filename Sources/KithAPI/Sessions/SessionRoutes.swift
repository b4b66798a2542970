// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithServer
import KithStore

/// The conversations that this node keeps, for its owner alone: other machines get none unless it is sent there.
struct SessionRoutes: Sendable {
    static let path = "/api/sessions"
    /// Bytes of text in one answer.
    private static let textLimit = 4 << 20
    private static let bodyLimit = 4_096

    static let unknown = ControlFailure(
        .notFound, "this node keeps no conversation of this name; kith session list shows those that it keeps")

    private let services: NodeServices
    private let moves: SessionMoves

    init(services: NodeServices) {
        self.services = services
        moves = SessionMoves(store: services.store, control: services.control)
    }

    func add(to router: SurfaceRouter) {
        router.surface(Self.path, scope: .admin, [.get: { _, _ in try await list() }])
        router.surface(
            Self.path + "/:id", scope: .admin, [.get: { _, context in try await show(try Self.session(in: context)) }])
        router.surface(
            Self.path + "/:id/send", scope: .admin,
            [.post: { request, context in try await send(request, try Self.session(in: context)) }])
    }

    private func list() async throws -> Response {
        let sessions = try await services.store.sessions(limit: .max)
        return try .json(
            SessionMessage.Sessions(sessions: sessions.map { SessionMessage.Summary($0, node: services.name) }))
    }

    private func show(_ session: SessionID) async throws -> Response {
        guard let found = try await services.store.session(session, textLimit: Self.textLimit) else {
            throw Self.unknown
        }
        return try .json(
            SessionMessage.Session(
                found.summary, node: services.name, turns: found.turns, isCut: found.isCut))
    }

    private func send(_ request: Request, _ session: SessionID) async throws -> Response {
        let bytes = try await request.jsonBody(upTo: Self.bodyLimit)
        let wanted = try JSONBody.decode(SessionMessage.Destination.self, from: bytes)
        guard let peer = PeerReference(wanted.to) else {
            throw ControlFailure(.unknownPeer, "'to' does not name a peer; give its name or its id")
        }
        return try .json(try await moves.move(session, to: peer.rawValue))
    }

    private static func session(in context: NodeRequestContext) throws -> SessionID {
        guard let text = context.parameters.get("id").flatMap({ PathSegment.unescaped($0) }),
            let session = SessionID(text)
        else { throw unknown }
        return session
    }
}
