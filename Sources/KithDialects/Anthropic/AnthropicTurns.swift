// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The turns of a conversation in Anthropic's dialect, as messages in the neutral form.
///
/// Blocks of text become one text: it has the same bytes whether a client sends it as a string or in blocks, so that engines
/// find what they have read already. What Anthropic's own servers did in earlier turns is left out, as what they alone can
/// read of thoughts is; other content that cannot be told to an engine is refused.
struct AnthropicTurns {
    /// How the first block of some clients begins: it changes with the conversation and means nothing to a model.
    private static let billing = "x-anthropic-billing-header:"
    /// What a tool that failed has said comes after this line. As it stays the same, engines find it read at the next turn.
    private static let failure = "The tool failed:\n"
    private static let picturesFollow = "The pictures of this result are in the next message."

    private(set) var messages: [ChatMessage] = []
    /// The tools that the conversation has brought in or taken away.
    private(set) var toolChanges = AnthropicToolChanges()

    init(_ turns: [RequestFields]) throws {
        for turn in turns { try add(turn) }
    }

    /// The system prompt: one message, or none.
    static func system(_ fields: RequestFields) throws -> [ChatMessage] {
        var texts = try (fields.blocks("system") ?? []).map { try $0.requiredText("text") }
        if let place = texts.firstIndex(where: { $0.hasPrefix(billing) }) { texts.remove(at: place) }
        let text = texts.filter { !$0.isEmpty }.joined(separator: "\n\n")
        return text.isEmpty ? [] : [ChatMessage(.system, text)]
    }

    private mutating func add(_ turn: RequestFields) throws {
        let role = try turn.requiredText("role")
        guard ["user", "assistant", "system"].contains(role) else { throw ChatError.unusable(turn.name("role")) }
        guard let blocks = try turn.blocks("content") else { throw ChatError.missing(turn.name("content")) }
        switch role {
        case "assistant": try addAssistant(blocks)
        case "system":
            let said = try parts(blocks)
            messages.append(ChatMessage(role: .system, content: AnthropicBlocks.content(said)))
        default: try addUser(blocks)
        }
    }

    private mutating func parts(_ blocks: [RequestFields]) throws -> [JSONValue] {
        try blocks.flatMap { try AnthropicBlocks.parts($0, &toolChanges) }
    }

    /// The results of tools come first, whatever their place: engines want them right after the calls. Pictures of a result
    /// follow with what the user says, since few engines take them in a result.
    private mutating func addUser(_ blocks: [RequestFields]) throws {
        var said: [JSONValue] = []
        var pictures: [JSONValue] = []
        var hasResults = false
        for block in blocks {
            guard try block.requiredText("type") == "tool_result" else {
                said += try parts([block])
                continue
            }
            hasResults = true
            pictures += try addResult(block)
        }
        said = pictures + said
        if hasResults, said.isEmpty { return }
        messages.append(ChatMessage(role: .user, content: AnthropicBlocks.content(said)))
    }

    /// - Returns: The pictures of the result.
    private mutating func addResult(_ block: RequestFields) throws -> [JSONValue] {
        let parts = try parts(block.blocks("content") ?? [])
        let pictures = parts.filter { $0["type"] != "text" }
        var text = MessageContent.parts(parts).text
        if !pictures.isEmpty { text += (text.isEmpty ? "" : "\n") + Self.picturesFollow }
        var result = ChatMessage(role: .tool, content: .none, toolCallID: try block.requiredText("tool_use_id"))
        if try block.bool("is_error") == true {
            text = Self.failure + text
            result.extra["is_error"] = true
        }
        result.content = .text(text)
        messages.append(result)
        return pictures
    }

    private mutating func addAssistant(_ blocks: [RequestFields]) throws {
        var text = ""
        var thoughts = ""
        var signed: [JSONValue] = []
        var calls: [JSONValue] = []
        for block in blocks {
            switch try block.requiredText("type") {
            case "text": text += try block.requiredText("text")
            case "thinking":
                thoughts += try block.text("thinking") ?? ""
                if let signature = try block.text("signature"),
                    ![AnthropicMessagesAnswer.signature, ""].contains(signature)
                {
                    signed.append(block.withoutCacheControl)
                }
            case "redacted_thinking": signed.append(block.withoutCacheControl)
            case "compaction": text += try block.text("content") ?? ""
            case "tool_use": calls.append(try Self.call(block))
            case let type:
                guard AnthropicBlocks.isOfServers(type) else { throw AnthropicBlocks.unknown(block) }
                try toolChanges.note(found: block)
            }
        }
        var message = ChatMessage(role: .assistant, content: text.isEmpty && !calls.isEmpty ? .none : .text(text))
        if !calls.isEmpty { message.toolCalls = .array(calls) }
        if !thoughts.isEmpty { message.extra["reasoning_content"] = .string(thoughts) }
        // For an engine that made them; others are not told.
        if !signed.isEmpty { message.extra["thinking_blocks"] = .array(signed) }
        messages.append(message)
    }

    private static func call(_ block: RequestFields) throws -> JSONValue {
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
}
