// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Messages as Anthropic's API takes them: user and assistant in turn, content as blocks.
enum AnthropicMessages {
    /// System messages are left out: they stand apart.
    ///
    /// - Throws: ``ChatFailure`` with `unsupported` for parts that are neither text nor an image.
    static func encode(_ messages: [ChatMessage]) throws -> [JSONValue] {
        var turns: [(role: String, blocks: [JSONValue])] = []
        for message in messages {
            guard let role = role(message.role) else { continue }
            let blocks = try blocks(message)
            guard !blocks.isEmpty else { continue }
            // The results of parallel calls must come in one message.
            if let last = turns.indices.last, turns[last].role == role {
                turns[last].blocks += blocks
            } else {
                turns.append((role, blocks))
            }
        }
        return turns.map { ["role": .string($0.role), "content": .array($0.blocks)] }
    }

    private static func role(_ role: ChatMessage.Role) -> String? {
        switch role {
        case .system, .developer: nil
        case .user, .tool, .function: "user"
        case .assistant: "assistant"
        }
    }

    private static func blocks(_ message: ChatMessage) throws -> [JSONValue] {
        if message.role == .tool || message.role == .function {
            return [
                [
                    "type": "tool_result", "tool_use_id": .string(message.toolCallID ?? message.name ?? ""),
                    "content": .string(message.content.text),
                ]
            ]
        }
        // Thoughts are taken back with the signature that came with them only.
        var blocks = message.role == .assistant ? message.extra["thinking_blocks"]?.arrayValue ?? [] : []
        switch message.content {
        case .none: if let refusal = message.extra["refusal"]?.stringValue { blocks.append(text(refusal)) }
        case .text(let words): if !words.isEmpty { blocks.append(text(words)) }
        case .parts(let parts): blocks += try parts.map(block)
        }
        for call in message.toolCalls?.arrayValue ?? [] {
            let function = call["function"]
            blocks.append([
                "type": "tool_use", "id": call["id"] ?? "", "name": function?["name"] ?? "",
                "input": function?["arguments"]?.stringValue.flatMap(JSONValue.init(json:)) ?? [:],
            ])
        }
        return blocks
    }

    private static func text(_ words: String) -> JSONValue { ["type": "text", "text": .string(words)] }

    private static func block(_ part: JSONValue) throws -> JSONValue {
        switch part["type"]?.stringValue {
        case "text": return ["type": "text", "text": part["text"] ?? ""]
        case "refusal": return text(part["refusal"]?.stringValue ?? "")
        case "image_url":
            let url = part["image_url"]?["url"]?.stringValue ?? ""
            guard let image = InlineImage(dataURL: url) else {
                return ["type": "image", "source": ["type": "url", "url": .string(url)]]
            }
            return [
                "type": "image",
                "source": [
                    "type": "base64", "media_type": .string(image.mediaType), "data": .string(image.base64),
                ],
            ]
        default: throw ChatFailure(.unsupported, "Anthropic takes text and images only", field: "messages")
        }
    }
}
