// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes a request for Anthropic's messages API, version 2023-06-01.
package enum AnthropicRequestEncoder {
    package static let version = "2023-06-01"
    /// The API has no default of its own.
    package static let defaultMaxTokens = 1024

    /// - Throws: ``ChatFailure`` with `unsupported` for what the API does not offer.
    package static func body(for request: ChatRequest, model: ModelID) throws -> [UInt8] {
        guard request.kind == .chat else {
            throw ChatFailure(.unsupported, "Anthropic's models answer chats, they do not complete plain text")
        }
        if let format = request.extensions["response_format"]?["type"]?.stringValue, format != "text" {
            throw ChatFailure(.unsupported, "Anthropic's API knows no response_format", field: "response_format")
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
