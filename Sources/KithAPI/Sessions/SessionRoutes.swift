// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
package import KithModel
package import KithPeers
import KithServer
package import KithStore
package import Logging
import NIOCore
import Synchronization

/// The conversations that this node keeps, for its owner alone: other machines get none unless it is sent there.
struct SessionRoutes: Sendable {
    static let path = "/api/sessions"
    /// Bytes of text in one answer.
    private static let textLimit = 4 << 20
    /// The same in one that is saved.
    private static let exportLimit = 32 << 20
    /// Bytes of what is searched for, and conversations that are found.
    private static let wordsLimit = 256
    private static let foundLimit = 200
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
        router.surface(Self.path, scope: .admin, [.get: { request, _ in try await list(request) }])
        router.surface(
            Self.path + "/:id", scope: .admin,
            [
                .get: { _, context in try .json(try await read(try Self.session(in: context), Self.textLimit)) },
                .patch: { request, context in try await rename(request, try Self.session(in: context)) },
                .delete: { _, context in try await delete(try Self.session(in: context)) },
            ])
        router.surface(
            Self.path + "/:id/export", scope: .admin,
            [.get: { request, context in try await export(request, try Self.session(in: context)) }])
        router.surface(
            Self.path + "/:id/send", scope: .admin,
            [.post: { request, context in try await send(request, try Self.session(in: context)) }])
    }

    private func list(_ request: Request) async throws -> Response {
        let sessions: [SessionSummary]
        if let words = request.uri.queryParameters["q"], !words.isEmpty {
            guard words.utf8.count <= Self.wordsLimit else {
                throw ControlError(.invalid, "'q' has at most \(Self.wordsLimit) bytes")
            }
            sessions = try await services.store.sessions(holding: String(words), limit: Self.foundLimit)
        } else {
            sessions = try await services.store.sessions(limit: .max)
        }
        return try .json(
            SessionMessage.Sessions(sessions: sessions.map { SessionMessage.Summary($0, node: services.name) }))
    }

    private func read(_ session: SessionID, _ textLimit: Int) async throws -> SessionMessage.Session {
        guard let found = try await services.store.session(session, textLimit: textLimit) else { throw Self.unknown }
        return SessionMessage.Session(found.summary, node: services.name, turns: found.turns, isCut: found.isCut)
    }

    private func rename(_ request: Request, _ session: SessionID) async throws -> Response {
        let wanted = try await request.decode(SessionMessage.Change.self, upTo: Self.bodyLimit)
        let isPrintable = wanted.title.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        guard isPrintable, wanted.title.utf8.count <= SessionMessage.Change.longestTitle else {
            throw ControlError(
                .invalid,
                "'title' has at most \(SessionMessage.Change.longestTitle) bytes and no control characters")
        }
        let isBlank = wanted.title.allSatisfy(\.isWhitespace)
        guard try await services.store.renameSession(session, to: isBlank ? nil : wanted.title) else {
            throw Self.unknown
        }
        guard let found = try await services.store.session(session, textLimit: 0) else { throw Self.unknown }
        return try .json(SessionMessage.Summary(found.summary, node: services.name))
    }

    private func delete(_ session: SessionID) async throws -> Response {
        await services.running[session]?.discard()
        guard try await services.store.deleteSession(session) else { throw Self.unknown }
        return Response(status: .noContent)
    }

    /// To be saved as a file, whose name says nothing of what is in it.
    private func export(_ request: Request, _ session: SessionID) async throws -> Response {
        let (type, name, bytes): (String, String, [UInt8])
        switch request.uri.queryParameters["format"] ?? "markdown" {
        case "markdown":
            let text = SessionText.markdown(try await read(session, Self.exportLimit))
            (type, name, bytes) = ("text/markdown; charset=utf-8", "conversation.md", Array(text.utf8))
        case "json":
            bytes = try JSONBody.encode(try await read(session, Self.exportLimit))
            (type, name) = ("application/json", "conversation.json")
        default: throw ControlError(.invalid, "'format' is markdown or json")
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: type, .contentLength: String(bytes.count), .cacheControl: "no-store",
                .contentDisposition: "attachment; filename=\"\(name)\"", .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private func send(_ request: Request, _ session: SessionID) async throws -> Response {
        let wanted = try await request.decode(SessionMessage.Destination.self, upTo: Self.bodyLimit)
        guard let peer = PeerReference(wanted.to) else {
            throw ControlError(.unknownPeer, "'to' does not name a peer; give its name or its id")
        }
        guard services.running[session] == nil else {
            throw ControlError(.conflict, "this conversation is being answered; wait for it, or stop it")
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

    package func receive(_ session: SessionExport, from node: NodeID) async throws -> SessionReceipt {
        switch try await store.importSession(session, from: node) {
        case .stored:
            logger.info("conversation taken over", metadata: ["turns": "\(session.turns.count)"])
            return SessionReceipt(.stored)
        case .held: return SessionReceipt(.held)
        case .refused: return SessionReceipt(.refused, message: "it has another conversation of that name")
        case .full:
            return SessionReceipt(
                .refused,
                message:
                    "it keeps as many conversations as it may, or as many that you sent; go on with some there, or delete some"
            )
        }
    }
}
