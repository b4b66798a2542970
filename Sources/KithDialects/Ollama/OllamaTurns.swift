// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The messages of a conversation in Ollama's dialect, in the neutral form.
///
/// There, calls and results of tools belong together by ids, which Ollama's clients mostly do without: the names that are made
/// here depend on the place in the conversation alone, so that engines find what they have read already.
struct OllamaTurns {
    private(set) var messages: [ChatMessage] = []
    /// The calls that have no result yet.
    private var open: [(id: String, name: String)] = []

    init(_ turns: [RequestFields]) throws {
        for turn in turns { try add(turn) }
    }

    private mutating func add(_ turn: RequestFields) throws {
        guard let role = ChatMessage.Role(rawValue: try turn.requiredText("role")), role != .function else {
            throw ChatError.unusable(turn.name("role"))
        }
        let text = try turn.text("content") ?? ""
        var message = ChatMessage(role: role, content: MessageContent(text, images: try turn.ollamaImages()))
        switch role {
        case .assistant:
            let calls = try self.calls(turn)
            if !calls.isEmpty {
                message.toolCalls = .array(calls)
                if text.isEmpty { message.content = .none }
            }
            if let thoughts = try turn.text("thinking"), !thoughts.isEmpty {
                message.extra["reasoning_content"] = .string(thoughts)
            }
        case .tool:
            let name = try turn.text("tool_name") ?? turn.text("name")
            message.toolCallID = answered(id: try turn.text("tool_call_id"), name: name)
            message.name = name
        case .system, .developer, .user, .function: break
        }
        messages.append(message)
    }

    private mutating func calls(_ turn: RequestFields) throws -> [JSONValue] {
        open = []
        return try (turn.objects("tool_calls") ?? []).enumerated().map { place, call in
            guard let function = try call.object("function") else { throw ChatError.missing(call.name("function")) }
            let name = try function.requiredText("name")
            let given = try call.text("id") ?? ""
            let id = given.isEmpty ? "call_\(messages.count)_\(place)" : given
            open.append((id, name))
            return [
                "id": .string(id), "type": "function",
                "function": ["name": .string(name), "arguments": .string(try Self.arguments(function))],
            ]
        }
    }

    /// Ollama's clients send an object, and a few the text that stands for one.
    private static func arguments(_ function: RequestFields) throws -> String {
        switch function.value("arguments") {
        case nil: "{}"
        case .string(let text)?: text
        case .object(let members)?: String(decoding: members.jsonBytes, as: UTF8.self)
        default: throw ChatError.wrongType(function.name("arguments"), "an object")
        }
    }

    /// The call that a result belongs to: the one of that id, else the first of that name, else the first.
    private mutating func answered(id: String?, name: String?) -> String {
        if let id, !id.isEmpty {
            open.removeAll { $0.id == id }
            return id
        }
        let place = open.firstIndex { $0.name == name } ?? open.indices.first
        return place.map { open.remove(at: $0).id } ?? "call_\(messages.count)"
    }
}
