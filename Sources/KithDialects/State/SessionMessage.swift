// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node and its owner's commands say to each other about the conversations that the node keeps. Times are in RFC
/// 3339's form.
package enum SessionMessage {
    package struct Summary: Codable, Hashable, Sendable {
        package var id: String
        /// Questions that were answered, including those whose text has been dropped.
        package var turnCount: Int
        package var createdAt: String
        package var lastUsedAt: String
        /// The name of the node that keeps it.
        package var node: String
        /// The name that the owner gave it.
        package var title: String?
        /// How the first question that is kept begins.
        package var opening: String?

        package init(_ session: SessionSummary, node: NodeName) {
            title = session.title
            opening = session.opening
            id = session.id.rawValue
            turnCount = session.turnCount
            createdAt = session.createdAt.rfc3339
            lastUsedAt = session.lastUsedAt.rfc3339
            self.node = node.rawValue
        }

        private enum CodingKeys: String, CodingKey {
            case id, node, title, opening
            case turnCount = "turn_count"
            case createdAt = "created_at"
            case lastUsedAt = "last_used_at"
        }
    }

    /// The answer to `GET /api/sessions`.
    package struct Sessions: Codable, Hashable, Sendable {
        /// Most recently used first.
        package var sessions: [Summary]

        package init(sessions: [Summary]) { self.sessions = sessions }
    }

    package struct Turn: Codable, Hashable, Sendable {
        package var role: ConversationTurn.Role
        package var text: String
        package var at: String
        package var model: String?
        package var node: String?
        package var promptTokens: Int?
        package var completionTokens: Int?

        package init(_ turn: ConversationTurn) {
            role = turn.role
            text = turn.text
            at = turn.time.rfc3339
            model = turn.model?.rawValue
            node = turn.node?.rawValue
            promptTokens = turn.tokens?.promptTokens
            completionTokens = turn.tokens?.completionTokens
        }

        private enum CodingKeys: String, CodingKey {
            case role, text, at, model, node
            case promptTokens = "prompt_tokens"
            case completionTokens = "completion_tokens"
        }
    }

    /// The answer to `GET /api/sessions/{id}`.
    package struct Session: Codable, Hashable, Sendable {
        package var id: String
        package var turnCount: Int
        package var createdAt: String
        package var lastUsedAt: String
        /// The name of the node that keeps it.
        package var node: String
        package var title: String?
        /// The last that fit into an answer, the latest last.
        package var turns: [Turn]
        /// Whether there are older ones that did not fit.
        package var isCut: Bool

        package init(_ session: SessionSummary, node: NodeName, turns: [ConversationTurn], isCut: Bool) {
            title = session.title
            id = session.id.rawValue
            turnCount = session.turnCount
            createdAt = session.createdAt.rfc3339
            lastUsedAt = session.lastUsedAt.rfc3339
            self.node = node.rawValue
            self.turns = turns.map(Turn.init)
            self.isCut = isCut
        }

        private enum CodingKeys: String, CodingKey {
            case id, node, title, turns
            case turnCount = "turn_count"
            case createdAt = "created_at"
            case lastUsedAt = "last_used_at"
            case isCut = "cut"
        }
    }

    /// The body of `PATCH /api/sessions/{id}`.
    package struct Change: Codable, Hashable, Sendable {
        /// Bytes.
        package static let longestTitle = 256

        /// Blank takes the title away.
        package var title: String

        package init(title: String) { self.title = title }
    }

    /// The body of `POST /api/sessions/{id}/send`.
    package struct Destination: Codable, Hashable, Sendable {
        /// A kin's name or id.
        package var to: String

        package init(to: String) { self.to = to }
    }

    /// Its answer: the conversation is now kept by the other node, and no longer by this one.
    package struct Sent: Codable, Hashable, Sendable {
        package var session: String
        package var turns: Int
        /// The node that keeps it now.
        package var to: ControlMessage.Peer

        package init(session: String, turns: Int, to: ControlMessage.Peer) {
            self.session = session
            self.turns = turns
            self.to = to
        }
    }
}
