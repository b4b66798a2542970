// SPDX-License-Identifier: Apache-2.0

/// Names one conversation kept by one node: 1 to 128 characters, chosen by the client or by the node.
package struct SessionID: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    /// - Returns: `nil` when `rawValue` is empty, longer than 128 bytes or holds a control character.
    package init?(_ rawValue: String) {
        guard (1...128).contains(rawValue.utf8.count), rawValue.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            return nil
        }
        self.rawValue = rawValue
    }

    package static func random() -> SessionID {
        SessionID(unchecked: "session-" + RequestID.random().rawValue)
    }

    private init(unchecked rawValue: String) { self.rawValue = rawValue }

    package var description: String { rawValue }
}

/// One kept conversation without its text.
package struct SessionSummary: Hashable, Sendable {
    package var id: SessionID
    package var createdAt: WallTime
    package var lastUsedAt: WallTime
    /// Exchanges since the session began, including those whose text has been dropped.
    package var turnCount: Int
    /// The name that the owner gave it.
    package var title: String?
    /// How the first question that is kept begins; `nil` where that was not looked up.
    package var opening: String?

    package init(
        id: SessionID, createdAt: WallTime, lastUsedAt: WallTime, turnCount: Int, title: String? = nil,
        opening: String? = nil
    ) {
        self.title = title
        self.opening = opening
        self.id = id
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
        self.turnCount = turnCount
    }
}

/// That a kept conversation is another than before.
package struct SessionChange: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case created, changed, deleted
    }

    package var session: SessionID
    package var kind: Kind
    /// The name that the owner gave it; `nil` where that is not known or not what changed.
    package var title: String?

    package init(_ session: SessionID, _ kind: Kind, title: String? = nil) {
        self.session = session
        self.kind = kind
        self.title = title
    }
}

/// What one side said in a kept conversation.
package struct ConversationTurn: Hashable, Sendable {
    package enum Role: String, Hashable, Sendable, Codable, CaseIterable {
        case user, assistant

        package var chatRole: ChatMessage.Role {
            switch self {
            case .user: .user
            case .assistant: .assistant
            }
        }
    }

    package var role: Role
    package var text: String
    package var time: WallTime
    /// The model that spoke; `nil` for the user, and where the engine did not say.
    package var model: ModelID?
    /// The node whose engine spoke; `nil` for the user, and where that is not known.
    package var node: NodeName?
    /// What the engine counted for the exchange; `nil` for the user, and where it did not say.
    package var tokens: TokenUsage?

    package init(
        role: Role, text: String, time: WallTime, model: ModelID? = nil, node: NodeName? = nil,
        tokens: TokenUsage? = nil
    ) {
        self.role = role
        self.text = text
        self.time = time
        self.model = model
        self.node = node
        self.tokens = tokens
    }

    /// This turn as a part of a prompt.
    package var message: ChatMessage { ChatMessage(role.chatRole, text) }
}

/// One kept conversation with all that a node needs to continue it.
package struct SessionExport: Hashable, Sendable {
    package struct Turn: Hashable, Sendable {
        package var turn: ConversationTurn
        /// How the assistant's turn ended; `nil` exactly for the user's.
        package var outcome: InteractionOutcome?

        package init(turn: ConversationTurn, outcome: InteractionOutcome?) {
            self.turn = turn
            self.outcome = outcome
        }
    }

    package var id: SessionID
    package var createdAt: WallTime
    package var lastUsedAt: WallTime
    /// Exchanges since the conversation began, including those whose text has been dropped.
    package var turnCount: Int
    /// Questions and answers in turn, as far as they have not been dropped.
    package var turns: [Turn]

    package init(id: SessionID, createdAt: WallTime, lastUsedAt: WallTime, turnCount: Int, turns: [Turn]) {
        self.id = id
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
        self.turnCount = turnCount
        self.turns = turns
    }

    /// Whether this conversation holds all that the other holds, and maybe more; turns that were dropped for their age do
    /// not count.
    package func covers(_ other: SessionExport) -> Bool {
        let (ours, theirs) = (places, other.places)
        let shared = ours.clamped(to: theirs)
        guard !shared.isEmpty, ours.upperBound >= theirs.upperBound else { return false }
        return turns[shared.shifted(by: ours.lowerBound)] == other.turns[shared.shifted(by: theirs.lowerBound)]
    }

    /// Which turns of the whole conversation are kept, counted from 0.
    private var places: Range<Int> {
        let (counted, overflow) = max(0, turnCount).multipliedReportingOverflow(by: 2)
        let end = max(overflow ? .max : counted, turns.count)
        return end - turns.count..<end
    }
}

extension Range<Int> {
    /// Both bounds minus the start of a range that contains them.
    fileprivate func shifted(by start: Int) -> Range<Int> { lowerBound - start..<upperBound - start }
}
