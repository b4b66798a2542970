// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
package import KithModel
package import KithPeers
import KithServer
package import KithStore
package import Logging
import Synchronization

/// The conversations that this node keeps, for its owner alone: other machines get none unless it is sent there.
struct SessionRoutes: Sendable {
    static let path = "/api/sessions"
    /// Bytes of text in one answer.
    private static let textLimit = 4 << 20
    private static let bodyLimit = 4_096

    static let unknown = ControlError(
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
        let wanted = try await request.decode(SessionMessage.Destination.self, upTo: Self.bodyLimit)
        guard let peer = PeerReference(wanted.to) else {
            throw ControlError(.unknownPeer, "'to' does not name a peer; give its name or its id")
        }
        return try .json(try await moves.move(session, to: peer.rawValue))
    }

    static func session(in context: NodeRequestContext) throws -> SessionID {
        guard let text = context.pathParameter("id"), let session = SessionID(text) else { throw unknown }
        return session
    }
}

/// Keeps the conversations that kin send together with this node's own.
package struct StoredSessions: SessionReceiving {
    private let store: Store
    private let logger: Logger

    package init(store: Store, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    package func receive(_ session: SessionExport) async throws -> SessionReceipt {
        switch try await store.importSession(session) {
        case .stored:
            logger.info("conversation taken over", metadata: ["turns": "\(session.turns.count)"])
            return SessionReceipt(.stored)
        case .held: return SessionReceipt(.held)
        case .refused: return SessionReceipt(.refused, message: "it has another conversation of that name")
        }
    }
}
