// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The tools of a request in Anthropic's dialect, in OpenAI's form.
enum AnthropicTools {
    /// The tools that an engine can be told of: those that the client runs itself, in their order. Those that the
    /// conversation has brought in come last, so that a prompt begins as it did before.
    static func offered(_ fields: RequestFields, _ changes: AnthropicToolChanges) throws -> [JSONValue] {
        var offered: [JSONValue] = []
        var late: [(order: Int, tool: JSONValue)] = []
        for tool in try fields.objects("tools") ?? [] {
            // Tools with another type are run by Anthropic's own servers, or are known to its models by name.
            guard ["custom", nil].contains(try tool.text("type")) else { continue }
            let name = try tool.requiredText("name")
            guard !changes.removed.contains(name) else { continue }
            if try tool.bool("defer_loading") != true {
                offered.append(try function(tool))
            } else if let order = changes.added.firstIndex(of: name) {
                late.append((order, try function(tool)))
            }
        }
        return offered + late.sorted { $0.order < $1.order }.map(\.tool)
    }

    private static func function(_ tool: RequestFields) throws -> JSONValue {
        var function: JSONObject = ["name": .string(try tool.requiredText("name"))]
        function["description"] = try tool.text("description").map { .string($0) }
        function["parameters"] = tool.value("input_schema") ?? ["type": "object", "properties": [:]]
        if try tool.bool("strict") == true { function["strict"] = true }
        return ["type": "function", "function": .object(function)]
    }

    /// - Parameter offered: The tools that the engine is told of.
    static func choice(
        _ fields: RequestFields, among offered: [JSONValue]
    ) throws -> (tool: JSONValue?, isOneAtATime: Bool) {
        guard let choice = try fields.object("tool_choice") else { return (nil, false) }
        let isOneAtATime = try choice.bool("disable_parallel_tool_use") ?? false
        switch try choice.requiredText("type") {
        case "auto": return ("auto", isOneAtATime)
        case "any": return ("required", isOneAtATime)
        case "none": return ("none", false)
        case "tool":
            let name = try choice.requiredText("name")
            guard offered.contains(where: { $0["function"]?["name"]?.stringValue == name }) else {
                throw ChatError(
                    .unsupported, "no engine here can be told to call '\(name.prefix(64))': it is not among the tools",
                    field: choice.name("name"))
            }
            return (["type": "function", "function": ["name": .string(name)]], isOneAtATime)
        default: throw ChatError.unusable("tool_choice.type")
        }
    }
}

/// How a conversation has changed which tools there are.
struct AnthropicToolChanges {
    /// Tools that were deferred or taken away, in the order in which they were brought in.
    private(set) var added: [String] = []
    private(set) var removed: Set<String> = []

    private mutating func add(_ name: String) -> String {
        removed.remove(name)
        if !added.contains(name) { added.append(name) }
        return "The tool \(name) can be used now.\n"
    }

    /// - Parameter block: A `tool_reference`.
    /// - Returns: What the model is told.
    mutating func add(_ block: RequestFields) throws -> String { add(try block.requiredText("tool_name")) }

    /// - Parameter block: A `tool_addition` or `tool_removal`.
    /// - Returns: What the model is told.
    mutating func change(_ block: RequestFields) throws -> String {
        guard let tool = try block.object("tool") else { throw ChatError.missing(block.name("tool")) }
        guard try tool.requiredText("type") == "tool_reference" else { throw AnthropicBlocks.unknown(tool) }
        let name = try tool.text("tool_name") ?? tool.requiredText("name")
        if try block.text("type") == "tool_addition" { return add(name) }
        removed.insert(name)
        return "The tool \(name) cannot be used any longer.\n"
    }

    /// What a server's search for tools has found.
    mutating func note(found block: RequestFields) throws {
        guard case .array(let references)? = block.value("content")?["tool_references"] else { return }
        for reference in references {
            if let name = reference["tool_name"]?.stringValue { _ = add(name) }
        }
    }
}
