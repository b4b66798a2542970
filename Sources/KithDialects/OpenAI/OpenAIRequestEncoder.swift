// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Writes a request for an engine that speaks OpenAI's API.
///
/// What the client wrote stays as it is, byte for byte, except for what has to differ; nothing is added that it did not
/// ask for.
package enum OpenAIRequestEncoder {
    /// The path below `/v1` to which the body belongs.
    package static func path(for request: ChatRequest) -> String {
        switch request.kind {
        case .chat: "/chat/completions"
        case .completion: "/completions"
        }
    }

    /// - Parameter model: The engine's own name for the model.
    package static func body(for request: ChatRequest, model: ModelID) -> [UInt8] {
        switch (request.body?.route, request.kind) {
        case (.openAIChatCompletions, .chat), (.openAICompletions, .completion):
            request.body.map { patched($0, for: request, model: model) } ?? built(for: request, model: model)
        default: built(for: request, model: model)
        }
    }

    // MARK: From the client's own body

    private static func patched(_ body: ClientBody, for request: ChatRequest, model: ModelID) -> [UInt8] {
        var changes: [(String, [UInt8])] = []
        var removed: Set<String> = []
        if body.value("model") != .string(model.rawValue) {
            changes.append(("model", JSONValue.string(model.rawValue).jsonBytes))
        }
        if let prompt = prompt(body, request) { changes.append(prompt) }
        let streams = body.value("stream") == true
        if streams != request.streams {
            changes.append(("stream", JSONValue.bool(request.streams).jsonBytes))
            if streams { removed.insert("stream_options") }
        }
        if request.limitChanged, let limit = request.sampling.maxTokens {
            let names = SamplingOptions.LimitName.allCases.filter { body.value($0.rawValue)?.isNull == false }
            for name in names.isEmpty ? [request.sampling.limitName ?? .maxTokens] : names {
                changes.append((name.rawValue, JSONValue.integer(Int64(limit)).jsonBytes))
            }
        }
        // Only llama.cpp and its like know -1 as the absence of a limit.
        for name in SamplingOptions.LimitName.allCases.map(\.rawValue)
        where body.isNegative(name) && !changes.contains(where: { $0.0 == name }) {
            removed.insert(name)
        }
        for name in request.changedExtensions.sorted() {
            if let value = request.extensions[name] {
                changes.append((name, value.jsonBytes))
            } else {
                removed.insert(name)
            }
        }
        if changes.isEmpty, removed.isEmpty, !body.hasTwins { return body.bytes }
        return body.patched(settingBytes: changes, removing: removed)
    }

    /// The messages, or the prompt, where they differ from the body.
    private static func prompt(_ body: ClientBody, _ request: ChatRequest) -> (String, [UInt8])? {
        guard request.kind == .chat else {
            guard request.ownMessages < request.messages.count else { return nil }
            return ("prompt", JSONValue.string(request.messages.last?.content.text ?? "").jsonBytes)
        }
        guard request.messagesMayDiffer else { return nil }
        let elements = body.elements("messages") ?? []
        guard request.ownMessages < request.messages.count || request.messages.count < elements.count else {
            return nil
        }
        var messages: [UInt8] = [UInt8(ascii: "[")]
        let own = min(request.ownMessages, elements.count)
        if own > 0 { messages += body.bytes[elements[0].lowerBound..<elements[own - 1].upperBound] }
        for message in request.messages.dropFirst(own) {
            if messages.count > 1 { messages.append(UInt8(ascii: ",")) }
            message.openAI.write(to: &messages)
        }
        messages.append(UInt8(ascii: "]"))
        return ("messages", messages)
    }

    // MARK: From nothing

    /// What only Ollama's and Anthropic's engines can be told, and is said in OpenAI's words where there are such; strict
    /// servers refuse what they do not know.
    private static let ofOthers: Set = [
        "options", "keep_alive", "think", "truncate", "shift", "thinking", "output_config",
    ]

    private static func built(for request: ChatRequest, model: ModelID) -> [UInt8] {
        var body: JSONObject = ["model": .string(model.rawValue)]
        switch request.kind {
        case .chat: body["messages"] = .array(request.messages.map { .object($0.openAI) })
        case .completion:
            switch request.messages.last?.content {
            case .parts(let parts): body["prompt"] = .array(parts)
            case let content: body["prompt"] = .string(content?.text ?? "")
            }
        }
        let sampling = request.sampling
        let limitName = (sampling.limitName ?? .maxTokens).rawValue
        body[limitName] = sampling.maxTokens.map { .integer(Int64($0)) }
        body["temperature"] = sampling.temperature.map { .number($0) }
        body["top_p"] = sampling.topP.map { .number($0) }
        body["seed"] = sampling.seed.map { .integer($0) }
        body["frequency_penalty"] = sampling.frequencyPenalty.map { .number($0) }
        body["presence_penalty"] = sampling.presencePenalty.map { .number($0) }
        body["n"] = sampling.choices.map { .integer(Int64($0)) }
        if !sampling.stop.isEmpty { body["stop"] = .array(sampling.stop.map { .string($0) }) }
        for (key, value) in request.extensions where body[key] == nil && !ofOthers.contains(key) { body[key] = value }
        if request.streams {
            body["stream"] = true
            if request.includesUsage { body["stream_options"] = ["include_usage": true] }
        }
        return body.jsonBytes
    }
}

extension ClientBody {
    /// Whether a member is a number below zero, as far as its first byte tells.
    fileprivate func isNegative(_ key: String) -> Bool {
        member(key).map { bytes[$0.value.lowerBound] == UInt8(ascii: "-") } ?? false
    }
}
