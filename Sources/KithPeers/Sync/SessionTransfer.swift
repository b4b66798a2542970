// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithMembership
package import KithModel
import KithServer
import KithStore
import KithTransport
import NIOCore
import NIOHTTP1

/// One conversation on its way from kin to kin: the body of `POST /peer/v1/sessions`. Times are milliseconds since 1970.
package struct SessionTransfer: Codable, Sendable {
    /// Bytes of a body.
    package static let limit = 4 << 20
    package static let turnLimit = 2_000
    /// More exchanges than any conversation has.
    private static let countLimit = 1 << 40

    private struct Turn: Codable {
        var role: ConversationTurn.Role
        var text: String
        var at: WallTime
        var outcome: InteractionOutcome?
        var model: String?
        var node: NodeName?
        var promptTokens: Int?
        var completionTokens: Int?
    }

    package var session: SessionExport

    package init(_ session: SessionExport) { self.session = session }

    private enum CodingKeys: String, CodingKey { case id, createdAt, lastUsedAt, turnCount, turns }

    /// - Throws: `DecodingError` for what no node keeps, such as a question without an answer.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard let id = SessionID(try container.decode(String.self, forKey: .id)) else {
            throw DecodingError.dataCorruptedError(
                forKey: .id, in: container, debugDescription: "not a session's name")
        }
        let turnCount = try container.decode(Int.self, forKey: .turnCount)
        var list = try container.nestedUnkeyedContainer(forKey: .turns)
        var turns: [SessionExport.Turn] = []
        while !list.isAtEnd {
            let role: ConversationTurn.Role = turns.count.isMultiple(of: 2) ? .user : .assistant
            guard turns.count < Self.turnLimit, let turn = Self.turn(try list.decode(Turn.self), expected: role)
            else { throw DecodingError.dataCorruptedError(in: list, debugDescription: "not a turn") }
            turns.append(turn)
        }
        guard !turns.isEmpty, turns.count.isMultiple(of: 2), (turns.count / 2...Self.countLimit).contains(turnCount)
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .turnCount, in: container, debugDescription: "does not fit the turns")
        }
        session = SessionExport(
            id: id, createdAt: try container.decode(WallTime.self, forKey: .createdAt),
            lastUsedAt: try container.decode(WallTime.self, forKey: .lastUsedAt), turnCount: turnCount, turns: turns)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(session.id.rawValue, forKey: .id)
        try container.encode(session.createdAt, forKey: .createdAt)
        try container.encode(session.lastUsedAt, forKey: .lastUsedAt)
        try container.encode(session.turnCount, forKey: .turnCount)
        try container.encode(session.turns.map(Self.turn), forKey: .turns)
    }

    /// - Returns: `nil` for what the database would not take.
    private static func turn(_ turn: Turn, expected role: ConversationTurn.Role) -> SessionExport.Turn? {
        let tokens = (turn.promptTokens, turn.completionTokens)
        guard turn.role == role, turn.text.utf8.count <= StoreLimits.largestText,
            (turn.model?.utf8.count ?? 0) <= StoreLimits.modelName, (turn.outcome != nil) == (role == .assistant),
            (tokens.0 ?? 0) >= 0, (tokens.1 ?? 0) >= 0, (tokens.0 == nil) == (tokens.1 == nil)
        else { return nil }
        if role == .user, turn.model != nil || turn.node != nil || tokens.0 != nil { return nil }
        var usage: TokenUsage?
        if let prompt = tokens.0, let completion = tokens.1 {
            usage = TokenUsage(promptTokens: prompt, completionTokens: completion)
        }
        return SessionExport.Turn(
            turn: ConversationTurn(
                role: role, text: turn.text, time: turn.at, model: turn.model.map { ModelID($0) }, node: turn.node,
                tokens: usage),
            outcome: turn.outcome)
    }

    private static func turn(_ turn: SessionExport.Turn) -> Turn {
        Turn(
            role: turn.turn.role, text: turn.turn.text, at: turn.turn.time, outcome: turn.outcome,
            model: turn.turn.model?.rawValue, node: turn.turn.node, promptTokens: turn.turn.tokens?.promptTokens,
            completionTokens: turn.turn.tokens?.completionTokens)
    }
}

extension PeerMesh {
    /// Until a kin has a conversation on disk.
    private static let sessionLimit = Duration.seconds(30)

    package func send(_ session: SessionExport, to peer: String) async throws -> SessionDelivery {
        let record = try find(peer)
        let receiver = try described(record.id)
        guard record.tier == .kin else {
            throw ControlError(
                .invalid, "\(receiver.name) is kith, somebody else's node: conversations go to your own machines only")
        }
        let body = try JSONBody.encode(SessionTransfer(session))
        guard body.count <= SessionTransfer.limit else {
            throw ControlError(
                .invalid,
                "the conversation is too long to be sent: it has \(body.count) bytes, and at most "
                    + "\(SessionTransfer.limit) go")
        }
        do {
            return SessionDelivery(peer: receiver, receipt: try await deliver(body, to: record.id))
        } catch let failure as LinkError {
            throw ControlError(.unreachable, "\(receiver.name) cannot be reached: \(failure); \(Self.kept)")
        } catch let failure as ChatError {
            throw ControlError(.unreachable, "\(receiver.name) did not confirm: \(failure.message); \(Self.kept)")
        }
    }

    private static let kept = "the conversation is still here, and can be sent again"

    private func deliver(_ body: [UInt8], to id: NodeID) async throws -> SessionReceipt {
        let link = try await links.link(to: id, at: membership.addresses(of: id))
        let limits = UpstreamLimits(silence: Self.sessionLimit, bodyBytes: 64 << 10)
        let reply = try await link.ask(
            link.request(.POST, PeerWire.sessionsPath, body: ByteBuffer(bytes: body), limits: limits))
        switch reply.status {
        case 200: return try JSONBody.decode(SessionReceipt.self, from: reply.body.readableBytesView)
        case 404: throw ChatError(.unsupported, "it takes no conversations; update it")
        default: throw ChatError(.engineError, "it answered with status \(reply.status)")
        }
    }
}

/// Where kin, and nobody else, hand over conversations.
struct PeerSessionRoutes: Sendable {
    let services: PeerServices

    func add(to router: PeerRouter) {
        router.peer(PeerWire.sessionsPath, .post, for: .kin, of: services) { request, caller in
            guard let sessions = services.work.sessions else { throw SurfaceRefusal.notFound }
            let parcel = try await request.decode(SessionTransfer.self, upTo: SessionTransfer.limit)
            return try Response.json(try await sessions.receive(parcel.session, from: caller.id))
        }
    }
}

/// Takes over conversations that kin send.
package protocol SessionReceiving: Sendable {
    /// - Returns: When the conversation is on disk, or why it is not taken. The same conversation may come again and is
    ///   taken once.
    /// - Throws: When it cannot be written to disk.
    func receive(_ session: SessionExport, from node: NodeID) async throws -> SessionReceipt
}

/// What a node answers to a conversation that a kin sent.
package struct SessionReceipt: Codable, Hashable, Sendable {
    package enum Outcome: String, Codable, Hashable, Sendable {
        /// It is on disk.
        case stored
        /// All of it was there already.
        case held
        /// It was not taken; the message says why.
        case refused
    }

    package var outcome: Outcome
    package var message: String?

    package init(_ outcome: Outcome, message: String? = nil) {
        self.outcome = outcome
        self.message = message
    }
}
