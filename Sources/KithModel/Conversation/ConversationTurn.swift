// SPDX-License-Identifier: Apache-2.0

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
