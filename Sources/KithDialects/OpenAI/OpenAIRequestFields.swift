// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What requests for chat and text completions have in common, as it is read.
struct OpenAIRequestFields {
    private var model: String?
    private var streams = false
    private var includesUsage = false
    private var sampling = SamplingOptions()
    private var maxTokens: Int?
    private var maxCompletionTokens: Int?
    private var extensions = JSONObject()

    /// Reads the value of `key`.
    mutating func read(_ key: String, _ scanner: inout JSONScanner) throws {
        switch key {
        case "model": model = try scanner.text(of: key)
        case "stream": streams = try scanner.bool(of: key) ?? false
        case "stream_options": includesUsage = try Self.includesUsage(&scanner)
        case "max_tokens": maxTokens = try Self.limit(key, &scanner)
        case "max_completion_tokens": maxCompletionTokens = try Self.limit(key, &scanner)
        case "temperature": sampling.temperature = try scanner.number(of: key)
        case "top_p": sampling.topP = try scanner.number(of: key)
        case "frequency_penalty": sampling.frequencyPenalty = try scanner.number(of: key)
        case "presence_penalty": sampling.presencePenalty = try scanner.number(of: key)
        case "seed": sampling.seed = try scanner.integer(of: key).map { Int64($0) }
        case "n": sampling.choices = try scanner.integer(of: key)
        case "stop": sampling.stop = try Self.stop(&scanner)
        default: extensions[key] = try scanner.value()
        }
    }

    func request(
        _ kind: ChatRequest.Kind, _ messages: [ChatMessage], _ body: ClientBody
    ) throws(ChatFailure) -> ChatRequest {
        var sampling = sampling
        sampling.maxTokens = maxCompletionTokens ?? maxTokens
        if maxTokens != nil { sampling.limitName = .maxTokens }
        if maxCompletionTokens != nil { sampling.limitName = .maxCompletionTokens }
        return ChatRequest(
            kind: kind, model: try OpenAIModelName.id(model), messages: messages, sampling: sampling,
            extensions: extensions, streams: streams, includesUsage: includesUsage, body: body)
    }

    private static func limit(_ key: String, _ scanner: inout JSONScanner) throws -> Int? {
        guard let limit = try scanner.integer(of: key) else { return nil }
        guard limit >= 1 else {
            throw ChatFailure(.invalidRequest, "'\(key)' must be at least 1", field: key)
        }
        return limit
    }

    private static func includesUsage(_ scanner: inout JSONScanner) throws -> Bool {
        guard try scanner.enterObject(of: "stream_options") else { return false }
        var includesUsage = false
        while let key = try scanner.nextKey() {
            if scanner.matches(key, "include_usage") {
                includesUsage = try scanner.bool(of: "stream_options.include_usage") ?? false
            } else {
                try scanner.skipValue()
            }
        }
        return includesUsage
    }

    private static func stop(_ scanner: inout JSONScanner) throws -> [String] {
        if scanner.kind() == .string { return [try scanner.text()].filter { !$0.isEmpty } }
        var strings: [String] = []
        var index = 0
        guard try scanner.enterArray(of: "stop") else { return [] }
        while try scanner.nextElement() {
            if let text = try scanner.text(of: "stop.\(index)"), !text.isEmpty { strings.append(text) }
            index += 1
        }
        return strings
    }
}
