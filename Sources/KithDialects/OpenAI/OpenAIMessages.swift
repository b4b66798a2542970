// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The messages of a request, each with all that the client wrote.
enum OpenAIMessages {
    /// - Returns: `nil` for `null`.
    static func read(_ scanner: inout JSONScanner) throws -> [ChatMessage]? {
        guard try scanner.enterArray(of: "messages") else { return nil }
        var messages: [ChatMessage] = []
        while try scanner.nextElement() { messages.append(try message(messages.count, &scanner)) }
        return messages
    }

    private static func message(_ place: Int, _ scanner: inout JSONScanner) throws -> ChatMessage {
        func name(_ field: String) -> String { "messages.\(place).\(field)" }
        guard try scanner.enterObject(of: "messages.\(place)") else {
            throw ChatFailure.wrongType("messages.\(place)", "an object")
        }
        var role: ChatMessage.Role?
        var message = ChatMessage(role: .user, content: .none)
        while let key = try scanner.nextKey() {
            if scanner.matches(key, "role") {
                guard let word = try scanner.text(of: name("role")) else { continue }
                role = ChatMessage.Role(rawValue: word)
                if role == nil { throw ChatFailure.unusable(name("role")) }
            } else if scanner.matches(key, "content") {
                message.content = try content(name("content"), &scanner)
            } else if scanner.matches(key, "name") {
                message.name = try scanner.text(of: name("name"))
            } else if scanner.matches(key, "tool_calls") {
                let calls = try scanner.value()
                if !calls.isNull, calls != [] { message.toolCalls = calls }
            } else if scanner.matches(key, "tool_call_id") {
                message.toolCallID = try scanner.text(of: name("tool_call_id"))
            } else {
                message.extra[scanner.text(key)] = try scanner.value()
            }
        }
        guard let role else { throw ChatFailure.missing(name("role")) }
        message.role = role
        if message.content == .none, message.toolCalls == nil, needsContent(role) {
            throw ChatFailure.missing(name("content"))
        }
        return message
    }

    /// A turn of the assistant's may say nothing, and a tool may have nothing to say.
    private static func needsContent(_ role: ChatMessage.Role) -> Bool {
        switch role {
        case .system, .developer, .user: true
        case .assistant, .tool, .function: false
        }
    }

    private static func content(_ field: String, _ scanner: inout JSONScanner) throws -> MessageContent {
        switch scanner.kind() {
        case .string: return .text(try scanner.text())
        case .array: return .parts(try scanner.value().arrayValue ?? [])
        case .null where scanner.takeNull(): return .none
        case nil:
            try scanner.skipValue()  // says what is wrong
            return .none
        default: throw ChatFailure.wrongType(field, "a string or a list")
        }
    }
}
