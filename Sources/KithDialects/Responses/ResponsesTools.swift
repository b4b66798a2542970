// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The tools of a request in the Responses dialect: in OpenAI's chat form for engines, and what the client calls each of
/// them.
///
/// Engines know functions only. A custom tool becomes one with a text `input`; the tools of a namespace stand beside the
/// others.
struct ResponsesTools: Hashable, Sendable {
    /// A tool as the client knows it.
    struct Tool: Hashable, Sendable {
        var name: String
        var namespace: String?
        /// Whether it takes a text as it is, and no JSON.
        var isCustom = false
    }

    /// For engines, in the client's order.
    private(set) var offered: [JSONValue] = []
    /// As the client wrote them, without those that nobody here can run.
    private(set) var asWritten: [JSONValue] = []
    /// By the names that engines know.
    private var byFunction: [String: Tool] = [:]
    private var functions: [Tool: String] = [:]

    init() {}

    /// - Throws: `ChatError` for a tool that runs at OpenAI and that a client must have set up there, with `unsupported`.
    init(_ fields: RequestFields) throws {
        var found: [(tool: Tool, fields: RequestFields)] = []
        for (place, written) in (try fields.objects("tools") ?? []).enumerated() {
            let known = found.count
            if try written.requiredText("type") == "namespace" {
                let namespace = try written.requiredText("name")
                for inner in try written.objects("tools") ?? [] { try Self.read(inner, in: namespace, to: &found) }
            } else {
                try Self.read(written, in: nil, to: &found)
            }
            if found.count > known, let list = try fields.list("tools") { asWritten.append(list[place]) }
        }
        let counts = Dictionary(found.map { ($0.tool.name, 1) }, uniquingKeysWith: +)
        for (tool, fields) in found where functions[tool] == nil {
            var name = tool.name
            if let namespace = tool.namespace, counts[name, default: 0] > 1 { name = "\(namespace)__\(name)" }
            guard byFunction[name] == nil else { continue }
            byFunction[name] = tool
            functions[tool] = name
            offered.append(
                ["type": "function", "function": .object(try Self.function(name, fields, isCustom: tool.isCustom))])
        }
    }

    /// What the client calls a function of this name.
    func tool(ofFunction name: String) -> Tool { byFunction[name] ?? Tool(name: name) }

    /// The name by which engines know a tool, also one that is not offered any more.
    func function(of tool: Tool) -> String { functions[tool] ?? tool.name }

    func offers(_ tool: Tool) -> Bool { functions[tool] != nil }

    /// Hides all tools but these.
    mutating func keep(_ kept: Set<Tool>) {
        let names = Set(kept.compactMap { functions[$0] })
        offered.removeAll { tool in !names.contains(tool["function"]?["name"]?.stringValue ?? "") }
    }
}

extension ResponsesTools {
    /// What OpenAI's own servers run, with what was put there before. A client that asks for one of these counts on it.
    private static let elsewhere = ["file_search", "code_interpreter", "mcp", "computer_use_preview", "computer"]

    private static func read(
        _ fields: RequestFields, in namespace: String?, to found: inout [(tool: Tool, fields: RequestFields)]
    ) throws {
        let type = try fields.requiredText("type")
        switch type {
        case "function", "custom":
            // Some clients write a function as for chat completions.
            let definition = try fields.object("function") ?? fields
            let name = try definition.requiredText("name")
            found.append((Tool(name: name, namespace: namespace, isCustom: type == "custom"), definition))
        case _ where elsewhere.contains(type):
            throw ChatError(
                .unsupported, "the tool '\(type)' cannot be run here; offer functions or custom tools",
                field: fields.name("type"))
        default: break  // clients send searches and the like unasked
        }
    }

    private static func function(_ name: String, _ fields: RequestFields, isCustom: Bool) throws -> JSONObject {
        var function: JSONObject = ["name": .string(name)]
        var description = try fields.text("description")
        if isCustom, let format = try fields.object("format"), let definition = try format.text("definition") {
            let syntax = try format.text("syntax") ?? "this"
            let words = "The input must follow this \(syntax) grammar:\n\(definition)"
            description = description.map { "\($0)\n\n\(words)" } ?? words
        }
        function["description"] = description.map { .string($0) }
        if isCustom {
            function["parameters"] = [
                "type": "object", "properties": ["input": ["type": "string"]], "required": ["input"],
                "additionalProperties": false,
            ]
        } else {
            function["parameters"] = fields.value("parameters") ?? ["type": "object", "properties": [:]]
            if try fields.bool("strict") == true { function["strict"] = true }
        }
        return function
    }
}

extension ResponsesTools {
    /// What engines are told about which tool to call; hides the tools that the client does not allow.
    ///
    /// - Returns: `nil` when that is left to the engine.
    /// - Throws: `ChatError` for a choice that cannot be made of these tools.
    mutating func choose(_ fields: RequestFields) throws -> JSONValue? {
        switch fields.value("tool_choice") {
        case nil: return nil
        case .string(let mode)?: return try self.mode(mode, "tool_choice")
        default: break
        }
        guard let choice = try fields.object("tool_choice") else { return nil }
        let type = try choice.requiredText("type")
        switch type {
        case "function", "custom":
            return ["type": "function", "function": ["name": .string(function(of: try named(choice)))]]
        case "allowed_tools":
            let allowed = try (choice.objects("tools") ?? []).filter {
                ["function", "custom"].contains(try $0.text("type"))
            }
            keep(Set(try allowed.map { try named($0) }))
            return try mode(try choice.text("mode") ?? "auto", choice.name("mode"))
        default:
            throw ChatError(.unsupported, "the tool '\(type)' cannot be run here", field: choice.name("type"))
        }
    }

    private func mode(_ mode: String, _ field: String) throws -> JSONValue? {
        switch mode {
        case "auto", "none": return offered.isEmpty ? nil : .string(mode)
        case "required":
            guard !offered.isEmpty else {
                throw ChatError(
                    .invalidRequest, "a call is required, and there is no tool that can be called", field: field)
            }
            return "required"
        default: throw ChatError.unusable(field)
        }
    }

    private func named(_ choice: RequestFields) throws -> Tool {
        let name = try choice.requiredText("name")
        let tool = Tool(
            name: name, namespace: try choice.text("namespace"),
            isCustom: try choice.requiredText("type") == "custom")
        guard offers(tool) else {
            throw ChatError(.invalidRequest, "'tools' has no tool '\(name)' of this kind", field: choice.name("name"))
        }
        return tool
    }
}
