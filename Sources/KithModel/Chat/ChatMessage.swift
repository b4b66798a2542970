// SPDX-License-Identifier: Apache-2.0

/// One message of a conversation.
package struct ChatMessage: Hashable, Sendable, Codable {
    package enum Role: String, Hashable, Sendable, Codable {
        case system, developer, user, assistant, tool, function
    }

    package var role: Role
    package var content: MessageContent
    /// The author's name, as OpenAI's `name`.
    package var name: String?
    /// The calls an assistant made, in OpenAI's form.
    package var toolCalls: JSONValue?
    /// The call that a `tool` message answers.
    package var toolCallID: String?

    package init(
        role: Role, content: MessageContent, name: String? = nil, toolCalls: JSONValue? = nil, toolCallID: String? = nil
    ) {
        self.role = role
        self.content = content
        self.name = name
        self.toolCalls = toolCalls
        self.toolCallID = toolCallID
    }

    package init(_ role: Role, _ text: String) { self.init(role: role, content: .text(text)) }
}

/// What a message says: text, or a list of parts such as text and images in OpenAI's form.
package enum MessageContent: Hashable, Sendable {
    case none
    case text(String)
    case parts([JSONValue])

    /// The text of all text parts, joined without a separator.
    package var text: String {
        switch self {
        case .none: ""
        case .text(let text): text
        case .parts(let parts): parts.compactMap { $0["text"]?.stringValue }.joined()
        }
    }
}

extension MessageContent: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .none
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else {
            self = .parts(try container.decode([JSONValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .none: try container.encodeNil()
        case .text(let text): try container.encode(text)
        case .parts(let parts): try container.encode(parts)
        }
    }
}
