// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The tools of a request in Anthropic's words.
enum AnthropicToolOffer {
    /// - Throws: `ChatError` with `unsupported` for a tool that is not a function.
    static func tools(_ extensions: JSONObject) throws(ChatError) -> [JSONValue] {
        var tools: [JSONValue] = []
        for tool in extensions["tools"]?.arrayValue ?? [] {
            guard let function = tool["function"]?.objectValue, let name = function["name"]?.stringValue else {
                throw ChatError(
                    .unsupported, "\(AnthropicRequestEncoder.engine) is offered functions as tools, and nothing else",
                    field: "tools")
            }
            var offered: JSONObject = ["name": .string(name)]
            if let words = function["description"]?.stringValue { offered["description"] = .string(words) }
            let schema = function["parameters"]?.objectValue
            offered["input_schema"] = .object(schema ?? ["type": "object", "properties": [:]])
            if function["strict"] == true { offered["strict"] = true }
            tools.append(.object(offered))
        }
        return tools
    }

    /// - Returns: `nil` for the default, which is `auto`.
    static func choice(_ extensions: JSONObject) throws(ChatError) -> JSONValue? {
        var choice: JSONObject
        switch extensions["tool_choice"] {
        case nil, .null?, "auto"?: choice = ["type": "auto"]
        case "none"?: return ["type": "none"]
        case "required"?: choice = ["type": "any"]
        case let named?:
            guard let name = named["function"]?["name"] else {
                throw ChatError(
                    .unsupported, "\(AnthropicRequestEncoder.engine) cannot be told this choice of tools",
                    field: "tool_choice")
            }
            choice = ["type": "tool", "name": name]
        }
        if extensions["parallel_tool_calls"] == false { choice["disable_parallel_tool_use"] = true }
        return choice == ["type": "auto"] ? nil : .object(choice)
    }
}
