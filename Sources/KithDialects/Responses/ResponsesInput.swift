// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The `input` of a request, as items of one form: each with its type and an id, messages with their content in parts.
enum ResponsesInput {
    /// - Parameter id: Of the response; the ids that are made here are made of it.
    /// - Throws: `ChatError` for what is neither a text nor a list of items.
    static func items(_ fields: RequestFields, id: RequestID) throws -> [JSONValue] {
        switch fields.value("input") {
        case nil: return []
        case .string(let text)?: return [message("user", [part(text, of: "user")], id: "msg_in_\(id)_0")]
        case .array?: break
        default: throw ChatError.wrongType("input", "a string or a list")
        }
        let list = try fields.list("input") ?? []
        return try (fields.objects("input") ?? []).enumerated().map { place, item in
            guard case .object(var members) = list[place] else { throw ChatError.wrongType("input", "a list of items") }
            let type = try item.text("type") ?? (item.value("role") == nil ? nil : "message")
            guard let type else { throw ChatError.missing(item.name("type")) }
            members["type"] = .string(type)
            if type == "item_reference" { return .object(members) }
            if try item.text("id")?.isEmpty ?? true {
                members["id"] = .string("\(prefixes[type] ?? "item")_in_\(id)_\(place)")
            }
            if type == "message" {
                let role = try item.requiredText("role")
                if case .string(let text)? = item.value("content") { members["content"] = [part(text, of: role)] }
                if members["status"] == nil { members["status"] = "completed" }
            }
            return .object(members)
        }
    }

    /// The id of the item for which another stands.
    static func reference(_ item: JSONValue) -> String? {
        item["type"] == "item_reference" ? item["id"]?.stringValue : nil
    }

    private static let prefixes = [
        "message": "msg", "reasoning": "rs", "function_call": "fc", "function_call_output": "fco",
        "custom_tool_call": "ctc", "custom_tool_call_output": "ctco",
    ]

    private static func message(_ role: String, _ parts: [JSONValue], id: String) -> JSONValue {
        [
            "id": .string(id), "type": "message", "status": "completed", "role": .string(role),
            "content": .array(parts),
        ]
    }

    private static func part(_ text: String, of role: String) -> JSONValue {
        ["type": role == "assistant" ? "output_text" : "input_text", "text": .string(text)]
    }
}
