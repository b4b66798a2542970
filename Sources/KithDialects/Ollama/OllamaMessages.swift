// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Messages as Ollama takes them: text in one string, images beside it, tool arguments as objects.
enum OllamaMessages {
    /// - Throws: ``ChatFailure`` with `unsupported` for parts that are neither text nor an image sent along.
    static func encode(_ messages: [ChatMessage]) throws -> [JSONValue] {
        var toolNames: [String: String] = [:]
        return try messages.map { message in
            for call in message.toolCalls?.arrayValue ?? [] {
                guard let id = call["id"]?.stringValue else { continue }
                toolNames[id] = call["function"]?["name"]?.stringValue
            }
            return try encode(message, toolNames: toolNames)
        }
    }

    private static func encode(_ message: ChatMessage, toolNames: [String: String]) throws -> JSONValue {
        var text = message.content.text
        if text.isEmpty, let refusal = message.extra["refusal"]?.stringValue { text = refusal }
        var fields: JSONObject = ["role": .string(role(message.role)), "content": .string(text)]
        if message.role == .assistant { fields["thinking"] = message.reasoning.map { .string($0) } }
        if case .parts(let parts) = message.content {
            let images = try parts.compactMap(image)
            if !images.isEmpty { fields["images"] = .array(images) }
        }
        if let calls = message.toolCalls?.arrayValue { fields["tool_calls"] = .array(calls.map(call)) }
        let toolName = message.toolCallID.flatMap { toolNames[$0] } ?? message.name
        if message.role == .tool || message.role == .function { fields["tool_name"] = toolName.map { .string($0) } }
        return .object(fields)
    }

    private static func role(_ role: ChatMessage.Role) -> String {
        switch role {
        case .system, .developer: "system"
        case .user: "user"
        case .assistant: "assistant"
        case .tool, .function: "tool"
        }
    }

    private static func image(_ part: JSONValue) throws -> JSONValue? {
        switch part["type"]?.stringValue {
        case "text", "refusal", nil: return nil
        case "image_url":
            let url = part["image_url"]?["url"]?.stringValue ?? part["image_url"]?.stringValue ?? ""
            if let image = InlineImage(dataURL: url) { return .string(image.base64) }
            throw ChatFailure(
                .unsupported, "Ollama takes images sent as base64 data only, and fetches none", field: "messages")
        default:
            throw ChatFailure(
                .unsupported, "Ollama takes text and images sent as base64 data only", field: "messages")
        }
    }

    private static func call(_ call: JSONValue) -> JSONValue {
        let function = call["function"]
        let arguments = function?["arguments"]
        return [
            "function": [
                "name": function?["name"] ?? "",
                "arguments": arguments?.stringValue.flatMap(JSONValue.init(json:)) ?? arguments ?? [:],
            ]
        ]
    }
}
