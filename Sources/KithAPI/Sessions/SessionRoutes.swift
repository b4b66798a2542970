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

    private static func session(in context: NodeRequestContext) throws -> SessionID {
        guard let text = context.pathParameter("id"), let session = SessionID(text) else { throw unknown }
        return session
    }
}

/// Moves conversations to other kin: this node lets go of one only when the other has it on disk.
///
/// What happens in between loses nothing: an answer that is lost leaves both with it until it is sent again, and one that
/// went on meanwhile stays.
final class SessionMoves: Sendable {
    private let store: Store
    private let control: any MeshControl
    /// Each goes to one place at a time.
    private let underway = Mutex<Set<SessionID>>([])

    init(store: Store, control: any MeshControl) {
        self.store = store
        self.control = control
    }

    /// - Parameter peer: A kin's name or id.
    /// - Throws: ``ControlError``; the conversation is still here then.
    func move(_ session: SessionID, to peer: String) async throws -> SessionMessage.Sent {
        guard underway.withLock({ $0.insert(session).inserted }) else {
            throw ControlError(.conflict, "the conversation is being sent already")
        }
        defer { underway.withLock { _ = $0.remove(session) } }
        let export = try await export(session)
        let delivery = try await control.send(export, to: peer)
        guard delivery.receipt.outcome != .refused else {
            throw ControlError(
                .conflict,
                "\(delivery.peer.name) does not take the conversation: "
                    + "\(delivery.receipt.message ?? "it gives no reason"); it stays here")
        }
        guard try await store.removeSession(export) else {
            throw ControlError(
                .conflict, "the conversation went on here while it was sent; send it again to move the rest")
        }
        return SessionMessage.Sent(session: session.rawValue, turns: export.turns.count, to: delivery.peer)
    }

    private func export(_ session: SessionID) async throws -> SessionExport {
        let export: SessionExport?
        do {
            export = try await store.exportSession(session, textLimit: SessionTransfer.limit)
        } catch  where error.code == .limitReached {
            throw ControlError(.invalid, error.message)
        }
        guard let export else { throw SessionRoutes.unknown }
        return export
    }
}

/// Keeps the conversations that kin send beside this node's own.
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
