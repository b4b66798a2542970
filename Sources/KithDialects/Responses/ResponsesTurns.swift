// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The items of a conversation in the Responses dialect, as messages in the neutral form.
///
/// What an assistant thought, said and called becomes one message. The same items give the same bytes at every turn, so
/// that engines find what they have read already. Items of an unknown type are left out.
struct ResponsesTurns {
    /// An assistant's message as it is put together.
    private struct Assistant {
        var texts: [String] = []
        var thoughts: [String] = []
        /// For the engine that made them; others are not told.
        var signed: [JSONValue] = []
        var calls: [JSONValue] = []

        var message: ChatMessage? {
            guard !texts.isEmpty || !calls.isEmpty else { return nil }
            var message = ChatMessage(
                role: .assistant, content: texts.isEmpty ? .none : .text(texts.joined(separator: "\n\n")))
            if !calls.isEmpty { message.toolCalls = .array(calls) }
            if !thoughts.isEmpty {
                message.extra["reasoning_content"] = .string(thoughts.joined(separator: "\n\n"))
            }
            if !signed.isEmpty { message.extra[AnthropicExtras.thoughts] = .array(signed) }
            return message
        }
    }

    private let tools: ResponsesTools
    /// What leads the conversation: instructions, and what developers say before anybody else speaks.
    private var system: [String] = []
    private var messages: [ChatMessage] = []
    private var assistant = Assistant()
    /// Of results, which few engines take there: they go with what the user says next.
    private var pictures: [JSONValue] = []

    init(tools: ResponsesTools, instructions: String?) {
        self.tools = tools
        if let instructions, !instructions.isEmpty { system.append(instructions) }
    }

    /// - Parameter path: Where the items stand in the body.
    mutating func add(_ items: [JSONValue], at path: String) throws {
        for (place, item) in items.enumerated() {
            try add(try RequestFields(item, at: "\(path).\(place)"))
        }
    }

    /// All messages, the system's first.
    mutating func finish() -> [ChatMessage] {
        endAssistant()
        endResults()
        return (system.isEmpty ? [] : [ChatMessage(.system, system.joined(separator: "\n\n"))]) + messages
    }

    private mutating func add(_ item: RequestFields) throws {
        switch try item.requiredText("type") {
        case "message": try add(message: item)
        case "reasoning":
            let thoughts = ResponsesReasoning.thoughts(item)
            if !thoughts.isEmpty { assistant.thoughts.append(thoughts) }
            assistant.signed += ResponsesReasoning.signed(item)
        case "function_call":
            let arguments = try item.text("arguments") ?? ""
            try add(call: item, arguments: arguments.isEmpty ? "{}" : arguments, isCustom: false)
        case "custom_tool_call":
            let input: JSONObject = ["input": .string(try item.text("input") ?? "")]
            try add(call: item, arguments: String(decoding: input.jsonBytes, as: UTF8.self), isCustom: true)
        case "function_call_output", "custom_tool_call_output": try add(result: item)
        default: return
        }
    }

    // MARK: Messages

    private mutating func add(message item: RequestFields) throws {
        let role = try item.requiredText("role")
        guard let blocks = try item.blocks("content") else { throw ChatError.missing(item.name("content")) }
        switch role {
        case "assistant":
            endResults()
            let text = try blocks.map { try Self.said($0) }.joined()
            if !text.isEmpty { assistant.texts.append(text) }
        case "system", "developer":
            let text = MessageContent.parts(try blocks.map { try Self.part($0) }).joinedText
            endAssistant()
            endResults()
            guard !text.isEmpty else { return }
            if messages.isEmpty { system.append(text) } else { messages.append(ChatMessage(.system, text)) }
        case "user":
            endAssistant()
            let parts = pictures + (try blocks.map { try Self.part($0) })
            pictures = []
            messages.append(ChatMessage(role: .user, content: Self.content(parts)))
        default: throw ChatError.unusable(item.name("role"))
        }
    }

    /// What an assistant said; what is not text has come from elsewhere.
    private static func said(_ block: RequestFields) throws -> String {
        switch try block.requiredText("type") {
        case "output_text", "input_text", "text": try block.requiredText("text")
        case "refusal": try block.requiredText("refusal")
        default: ""
        }
    }

    private mutating func endAssistant() {
        if let message = assistant.message { messages.append(message) }
        assistant = Assistant()
    }

    private mutating func endResults() {
        guard !pictures.isEmpty else { return }
        messages.append(ChatMessage(role: .user, content: .parts(pictures)))
        pictures = []
    }

    // MARK: Calls

    private mutating func add(call item: RequestFields, arguments: String, isCustom: Bool) throws {
        endResults()
        let tool = ResponsesTools.Tool(
            name: try item.requiredText("name"), namespace: try item.text("namespace"), isCustom: isCustom)
        assistant.calls.append([
            "id": .string(try item.requiredText("call_id")), "type": "function",
            "function": ["name": .string(tools.function(of: tool)), "arguments": .string(arguments)],
        ])
    }

    private mutating func add(result item: RequestFields) throws {
        endAssistant()
        let parts: [JSONValue]
        switch item.value("output") {
        case .object?: parts = [Self.text(item.value("output")?.jsonText ?? "")]
        default: parts = try (item.blocks("output") ?? []).map { try Self.part($0) }
        }
        messages.append(
            ChatMessage(
                role: .tool, content: .text(MessageContent.parts(parts).joinedText),
                toolCallID: try item.requiredText("call_id")))
        pictures += parts.filter { $0["type"] != "text" }
    }
}

// MARK: Parts

extension ResponsesTurns {
    fileprivate static func text(_ words: String) -> JSONValue { ["type": "text", "text": .string(words)] }

    /// A part of a message or a result, in OpenAI's chat form.
    fileprivate static func part(_ block: RequestFields) throws -> JSONValue {
        let type = try block.requiredText("type")
        switch type {
        case "input_text", "output_text", "text", "summary_text": return text(try block.requiredText("text"))
        case "refusal": return text(try block.requiredText("refusal"))
        case "input_image":
            guard let url = try block.text("image_url") else {
                throw ChatError(
                    .unsupported, "pictures are taken by their url or as base64, and not as a file's id",
                    field: block.name("image_url"))
            }
            var picture: JSONObject = ["url": .string(url)]
            picture["detail"] = try block.text("detail").map { .string($0) }
            return ["type": "image_url", "image_url": .object(picture)]
        case "input_audio":
            guard let sound = block.value("input_audio") else { throw ChatError.missing(block.name("input_audio")) }
            return ["type": "input_audio", "input_audio": sound]
        case "input_file":
            throw ChatError(
                .unsupported, "files are not taken; send what is in them as text", field: block.name("type"))
        default:
            throw ChatError(
                .unsupported, "content of the type '\(type)' is not known here", field: block.name("type"))
        }
    }

    /// One text, unless there are pictures in it.
    fileprivate static func content(_ parts: [JSONValue]) -> MessageContent {
        let content = MessageContent.parts(parts)
        return parts.allSatisfy { $0["type"] == "text" } ? .text(content.joinedText) : content
    }
}

extension MessageContent {
    /// The text of all parts, each on a line of its own: clients put what is apart in parts of their own.
    fileprivate var joinedText: String {
        guard case .parts(let parts) = self else { return text }
        return parts.compactMap { $0["text"]?.stringValue }.filter { !$0.isEmpty }.joined(separator: "\n")
    }
}
