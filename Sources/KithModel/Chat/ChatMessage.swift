// SPDX-License-Identifier: Apache-2.0

/// One message of a conversation.
package struct ChatMessage: Hashable, Sendable {
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
    /// What else the client wrote: `refusal`, `audio`, `reasoning_content`, and what is unknown here.
    package var extra: JSONObject

    package init(
        role: Role, content: MessageContent, name: String? = nil, toolCalls: JSONValue? = nil,
        toolCallID: String? = nil, extra: JSONObject = [:]
    ) {
        self.role = role
        self.content = content
        self.name = name
        self.toolCalls = toolCalls
        self.toolCallID = toolCallID
        self.extra = extra
    }

    package init(_ role: Role, _ text: String) { self.init(role: role, content: .text(text)) }

    /// What the assistant thought, under any of the names that servers give it.
    package var reasoning: String? {
        let blocks = (extra["thinking_blocks"]?.arrayValue ?? []).compactMap { $0["thinking"]?.stringValue }.joined()
        return [extra["reasoning_content"], extra["reasoning"], .string(blocks)].lazy.compactMap { $0?.stringValue }
            .first { !$0.isEmpty }
    }

    /// The message in OpenAI's form.
    package var openAI: JSONObject {
        var members: JSONObject = ["role": .string(role.rawValue)]
        switch content {
        case .none: members["content"] = .null
        case .text(let text): members["content"] = .string(text)
        case .parts(let parts): members["content"] = .array(parts)
        }
        if let name { members["name"] = .string(name) }
        if let toolCalls { members["tool_calls"] = toolCalls }
        if let toolCallID { members["tool_call_id"] = .string(toolCallID) }
        for (key, value) in extra where !Self.untoldInOpenAI.contains(key) { members[key] = value }
        return members
    }

    /// What only Anthropic's dialect has: that a tool failed, which its result says too, and thoughts as their provider
    /// signed them.
    private static let untoldInOpenAI: Set = ["is_error", "thinking_blocks"]
}

extension ChatMessage: Codable {
    private enum CodingKeys: String, CodingKey { case role, content, name, toolCalls, toolCallID, extra }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        role = try container.decode(Role.self, forKey: .role)
        content = try container.decode(MessageContent.self, forKey: .content)
        name = try container.decodeIfPresent(String.self, forKey: .name)
        toolCalls = try container.decodeIfPresent(JSONValue.self, forKey: .toolCalls)
        toolCallID = try container.decodeIfPresent(String.self, forKey: .toolCallID)
        extra = try container.decodeIfPresent(JSONObject.self, forKey: .extra) ?? [:]
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(role, forKey: .role)
        try container.encode(content, forKey: .content)
        try container.encodeIfPresent(name, forKey: .name)
        try container.encodeIfPresent(toolCalls, forKey: .toolCalls)
        try container.encodeIfPresent(toolCallID, forKey: .toolCallID)
        if !extra.isEmpty { try container.encode(extra, forKey: .extra) }
    }
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

    /// Bytes of ``text`` in UTF-8.
    package var textBytes: Int {
        switch self {
        case .none: 0
        case .text(let text): text.utf8.count
        case .parts(let parts): parts.reduce(0) { $0 + ($1["text"]?.stringValue?.utf8.count ?? 0) }
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
