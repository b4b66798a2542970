// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes a request for Anthropic's messages API, version 2023-06-01.
package enum AnthropicRequestEncoder {
    package static let version = "2023-06-01"
    /// The API has no default of its own.
    package static let defaultMaxTokens = 1024

    /// - Throws: `ChatError` with `unsupported` for what the API does not offer.
    package static func body(for request: ChatRequest, model: ModelID) throws -> [UInt8] {
        guard request.kind == .chat else {
            throw ChatError(.unsupported, "Anthropic's models answer chats, they do not complete plain text")
        }
        if let format = request.extensions["response_format"]?["type"]?.stringValue, format != "text" {
            throw ChatError(.unsupported, "Anthropic's API knows no response_format", field: "response_format")
        }
        try request.refuseSeveralChoices(for: "Anthropic's API")
        let sampling = request.sampling
        var body: JSONObject = [
            "model": .string(model.rawValue), "stream": true,
            "max_tokens": .integer(Int64(sampling.maxTokens ?? defaultMaxTokens)),
            "messages": .array(try AnthropicMessages.encode(request.messages)),
        ]
        let system = request.messages.filter { $0.role == .system || $0.role == .developer }.map(\.content.text)
        if !system.isEmpty { body["system"] = .string(system.joined(separator: "\n\n")) }
        // OpenAI's scale ends at 2, Anthropic's at 1.
        body["temperature"] = sampling.temperature.map { .number(min($0, 1)) }
        body["top_p"] = sampling.topP.map { .number($0) }
        if !sampling.stop.isEmpty { body["stop_sequences"] = .array(sampling.stop.map { .string($0) }) }
        if let tools = request.extensions["tools"]?.arrayValue, !tools.isEmpty {
            body["tools"] = .array(tools.map(tool))
            body["tool_choice"] = toolChoice(request.extensions)
        }
        return body.jsonBytes
    }

    private static func tool(_ tool: JSONValue) -> JSONValue {
        let function = tool["function"]
        var translated: JSONObject = [
            "name": function?["name"] ?? "",
            "input_schema": function?["parameters"] ?? ["type": "object", "properties": [:]],
        ]
        translated["description"] = function?["description"]
        return .object(translated)
    }

    private static func toolChoice(_ extensions: JSONObject) -> JSONValue? {
        var choice: JSONObject
        switch extensions["tool_choice"] {
        case "none": return ["type": "none"]
        case "required": choice = ["type": "any"]
        case .object(let named):
            guard let name = named["function"]?["name"] else { return nil }
            choice = ["type": "tool", "name": name]
        case nil where extensions["parallel_tool_calls"] == nil: return nil
        default: choice = ["type": "auto"]
        }
        if extensions["parallel_tool_calls"] == false { choice["disable_parallel_tool_use"] = true }
        return .object(choice)
    }
}

/// Messages as Anthropic's API takes them: user and assistant in turn, content as blocks.
enum AnthropicMessages {
    /// System messages are left out: they are sent separately.
    ///
    /// - Throws: `ChatError` with `unsupported` for parts that are neither text nor an image.
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
        // The API accepts thoughts only with the signature that came with them.
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
        default: throw ChatError(.unsupported, "Anthropic takes text and images only", field: "messages")
        }
    }
}
