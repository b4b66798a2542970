// SPDX-License-Identifier: Apache-2.0

import KithModel

/// A prompt as Anthropic's API takes it: tools, system, then user and assistant in turn, content as blocks.
struct AnthropicPrompt {
    private struct Turn {
        var role: String
        var blocks: [JSONValue]
    }

    var tools: [JSONValue] = []
    private(set) var system: [JSONValue] = []
    private var conversation: [Turn] = []

    var turns: [JSONValue] {
        conversation.map { ["role": .string($0.role), "content": .array($0.blocks)] }
    }

    /// Words of the system that come first are the system prompt. Not every model takes later ones in their place: there
    /// they are marked text of the user, so that what comes before them stays as it was.
    ///
    /// - Throws: `ChatError` with `unsupported` for parts that are neither text nor a picture.
    init(_ messages: [ChatMessage]) throws(ChatError) {
        for message in messages {
            switch message.role {
            case .system, .developer:
                let text = message.content.text
                guard !text.allSatisfy(\.isWhitespace) else { continue }
                if conversation.isEmpty {
                    system.append(Self.text(text))
                } else {
                    add([Self.text("<system>\n\(text)\n</system>")], of: "user")
                }
            case .user: add(try Self.blocks(message.content), of: "user")
            case .tool, .function: add([try Self.result(message)], of: "user")
            case .assistant: add(try Self.assistant(message), of: "assistant")
            }
        }
        // The results of calls have to come first.
        for place in conversation.indices where conversation[place].role == "user" {
            let blocks = conversation[place].blocks
            conversation[place].blocks =
                blocks.filter { $0["type"] == "tool_result" } + blocks.filter { $0["type"] != "tool_result" }
        }
    }

    /// The results of parallel calls must come in one turn.
    private mutating func add(_ blocks: [JSONValue], of role: String) {
        guard !blocks.isEmpty else { return }
        if let last = conversation.indices.last, conversation[last].role == role {
            conversation[last].blocks += blocks
        } else {
            conversation.append(Turn(role: role, blocks: blocks))
        }
    }

    /// Marks up to where a later request may find the prompt read: the ends of tools, system and the last turn of the user.
    /// The API takes four marks.
    mutating func markForCache() {
        Self.mark(&tools)
        Self.mark(&system)
        if let place = conversation.lastIndex(where: { $0.role == "user" }) { Self.mark(&conversation[place].blocks) }
    }

    private static func mark(_ blocks: inout [JSONValue]) {
        guard let last = blocks.indices.last, case .object(var block) = blocks[last] else { return }
        block["cache_control"] = ["type": "ephemeral"]
        blocks[last] = .object(block)
    }
}

// MARK: Blocks

extension AnthropicPrompt {
    private static func text(_ words: String) -> JSONValue { ["type": "text", "text": .string(words)] }

    private static func result(_ message: ChatMessage) throws(ChatError) -> JSONValue {
        var result: JSONObject = [
            "type": "tool_result", "tool_use_id": .string(message.toolCallID ?? message.name ?? ""),
        ]
        switch message.content {
        case .parts(let parts) where parts.contains { $0["type"] != "text" }:
            result["content"] = .array(try blocks(message.content))
        case let content: result["content"] = .string(content.text)
        }
        if message.extra[AnthropicExtras.isError] == true { result["is_error"] = true }
        return .object(result)
    }

    /// Thoughts are told with the signature that came with them, and else not: the API refuses them.
    private static func assistant(_ message: ChatMessage) throws(ChatError) -> [JSONValue] {
        var blocks = message.extra[AnthropicExtras.thoughts]?.arrayValue ?? []
        blocks += try Self.blocks(message.content)
        if let refusal = message.extra["refusal"]?.stringValue, !refusal.isEmpty { blocks.append(text(refusal)) }
        for call in message.toolCalls?.arrayValue ?? [] {
            let function = call["function"]
            blocks.append([
                "type": "tool_use", "id": call["id"] ?? "", "name": function?["name"] ?? "",
                "input": .object(input(function?["arguments"])),
            ])
        }
        return blocks
    }

    /// The arguments of a call, which engines give as a text.
    private static func input(_ arguments: JSONValue?) -> JSONObject {
        switch arguments {
        case .object(let members)?: members
        case .string(let text)?: JSONValue(json: text)?.objectValue ?? [:]
        default: [:]
        }
    }

    /// The API refuses blocks of text that say nothing.
    private static func blocks(_ content: MessageContent) throws(ChatError) -> [JSONValue] {
        switch content {
        case .none: return []
        case .text(let words): return words.allSatisfy(\.isWhitespace) ? [] : [text(words)]
        case .parts(let parts):
            var blocks: [JSONValue] = []
            for part in parts { if let block = try block(part) { blocks.append(block) } }
            return blocks
        }
    }

    private static func block(_ part: JSONValue) throws(ChatError) -> JSONValue? {
        switch part["type"]?.stringValue {
        case let type? where type == "text" || type == "refusal":
            let words = part[type]?.stringValue ?? ""
            // Not `? nil :`, which would be the JSON value `null`.
            guard !words.allSatisfy(\.isWhitespace) else { return nil }
            return text(words)
        case "image_url"?:
            let url = part["image_url"]?["url"]?.stringValue ?? part["image_url"]?.stringValue ?? ""
            guard let image = InlineImage(dataURL: url) else {
                return ["type": "image", "source": ["type": "url", "url": .string(url)]]
            }
            return [
                "type": "image",
                "source": [
                    "type": "base64", "media_type": .string(image.mediaType), "data": .string(image.base64),
                ],
            ]
        default:
            throw ChatError(
                .unsupported, "\(AnthropicRequestEncoder.engine) takes text and pictures only", field: "messages")
        }
    }
}
