// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The turns of a conversation in Anthropic's dialect, as messages in the neutral form.
///
/// Blocks of text become one text: it has the same bytes whether a client sends it as a string or in blocks, so that engines
/// find what they have read already. Blocks that no engine here can use are left out: redacted thoughts, the calls and
/// results of Anthropic's own servers, and kinds to come.
struct AnthropicTurns {
    /// How the first block of some clients begins: it changes with the conversation and means nothing to a model.
    private static let billing = "x-anthropic-billing-header:"

    private(set) var messages: [ChatMessage] = []
    /// The deferred tools that a result has brought in.
    private(set) var loadedTools: Set<String> = []

    init(_ turns: [AnthropicFields]) throws {
        for turn in turns { try add(turn) }
    }

    /// The system prompt: one message, or none.
    static func system(_ fields: AnthropicFields) throws -> [ChatMessage] {
        var texts = try (fields.blocks("system") ?? []).map { try $0.requiredText("text") }
        if let place = texts.firstIndex(where: { $0.hasPrefix(billing) }) { texts.remove(at: place) }
        let text = texts.filter { !$0.isEmpty }.joined(separator: "\n\n")
        return text.isEmpty ? [] : [ChatMessage(.system, text)]
    }

    private mutating func add(_ turn: AnthropicFields) throws {
        let role = try turn.requiredText("role")
        guard ["user", "assistant", "system"].contains(role) else { throw ChatError.unusable(turn.name("role")) }
        guard let blocks = try turn.blocks("content") else { throw ChatError.missing(turn.name("content")) }
        switch role {
        case "assistant": try addAssistant(blocks)
        case "system":
            let said = try parts(blocks)
            messages.append(ChatMessage(role: .system, content: Self.content(said)))
        default: try addUser(blocks)
        }
    }

    /// The results of tools come first, whatever their place: engines want them right after the calls. Pictures of a result
    /// follow with what the user says, since few engines take them in a result.
    private mutating func addUser(_ blocks: [AnthropicFields]) throws {
        var said: [JSONValue] = []
        var hasResults = false
        for block in blocks {
            guard try block.requiredText("type") == "tool_result" else {
                said += try parts(block)
                continue
            }
            hasResults = true
            let result = try parts(try block.blocks("content") ?? [])
            messages.append(
                ChatMessage(
                    role: .tool, content: .text(MessageContent.parts(result).text),
                    toolCallID: try block.requiredText("tool_use_id")))
            said += result.filter { $0["type"] != "text" }
        }
        if hasResults, said.isEmpty { return }
        messages.append(ChatMessage(role: .user, content: Self.content(said)))
    }

    private mutating func addAssistant(_ blocks: [AnthropicFields]) throws {
        var text = ""
        var thoughts = ""
        var calls: [JSONValue] = []
        for block in blocks {
            switch try block.requiredText("type") {
            case "text": text += try block.requiredText("text")
            case "thinking": thoughts += try block.text("thinking") ?? ""
            case "tool_use": calls.append(try Self.call(block))
            default: continue
            }
        }
        var message = ChatMessage(role: .assistant, content: text.isEmpty && !calls.isEmpty ? .none : .text(text))
        if !calls.isEmpty { message.toolCalls = .array(calls) }
        if !thoughts.isEmpty { message.extra["reasoning_content"] = .string(thoughts) }
        messages.append(message)
    }

    private static func call(_ block: AnthropicFields) throws -> JSONValue {
        let input: JSONValue = block.value("input") ?? [:]
        guard case .object = input else { throw ChatError.wrongType(block.name("input"), "an object") }
        return [
            "id": .string(try block.requiredText("id")), "type": "function",
            "function": [
                "name": .string(try block.requiredText("name")),
                "arguments": .string(String(decoding: input.jsonBytes, as: UTF8.self)),
            ],
        ]
    }

    /// One text, unless there are pictures in it; text that stands together is one part.
    private static func content(_ parts: [JSONValue]) -> MessageContent {
        var joined: [JSONValue] = []
        var text = ""
        for part in parts {
            if part["type"] == "text" {
                text += part["text"]?.stringValue ?? ""
                continue
            }
            if !text.isEmpty { joined.append(Self.text(text)) }
            text = ""
            joined.append(part)
        }
        if joined.isEmpty { return .text(text) }
        if !text.isEmpty { joined.append(Self.text(text)) }
        return .parts(joined)
    }
}

// MARK: Blocks

extension AnthropicTurns {
    fileprivate static func text(_ words: String) -> JSONValue { ["type": "text", "text": .string(words)] }

    fileprivate mutating func parts(_ blocks: [AnthropicFields]) throws -> [JSONValue] {
        var parts: [JSONValue] = []
        for block in blocks { parts += try self.parts(block) }
        return parts
    }

    /// A block as parts in OpenAI's form, each a text or a picture.
    fileprivate mutating func parts(_ block: AnthropicFields) throws -> [JSONValue] {
        switch try block.requiredText("type") {
        case "text": return [Self.text(try block.requiredText("text"))]
        case "image": return [try Self.picture(block)]
        case "document": return [Self.text(try Self.document(block))]
        case "search_result":
            var lines = try (block.blocks("content") ?? []).compactMap { try $0.text("text") }
            if let title = try block.text("title") { lines.insert(title, at: 0) }
            return [Self.text(lines.map { $0 + "\n" }.joined())]
        case "tool_reference":
            let name = try block.requiredText("tool_name")
            loadedTools.insert(name)
            return [Self.text("The tool \(name) can be used now.\n")]
        default: return []
        }
    }

    private static func picture(_ block: AnthropicFields) throws -> JSONValue {
        guard let source = try block.object("source") else { throw ChatError.missing(block.name("source")) }
        let url: String
        switch try source.requiredText("type") {
        case "base64":
            let type = try source.requiredText("media_type")
            url = try "data:\(type);base64," + source.requiredText("data")
        case "url": url = try source.requiredText("url")
        default:
            throw ChatError(
                .unsupported, "pictures are taken as base64 or by their url", field: source.name("type"))
        }
        return ["type": "image_url", "image_url": ["url": .string(url)]]
    }

    private static func document(_ block: AnthropicFields) throws -> String {
        guard let source = try block.object("source") else { throw ChatError.missing(block.name("source")) }
        switch try source.requiredText("type") {
        case "text": return try source.requiredText("data")
        case "content":
            return try (source.blocks("content") ?? []).compactMap { try $0.text("text") }.joined(separator: "\n")
        default: throw ChatError(.unsupported, "documents are taken as text only", field: source.name("type"))
        }
    }
}
