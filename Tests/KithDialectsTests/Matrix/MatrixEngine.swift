// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// An engine's dialect in the translation matrix: how it is asked, where each feature then stands, and how it answers.
enum MatrixEngine: String, CaseIterable {
    case openAI = "OpenAI-compatible, llama.cpp"
    case ollama = "Ollama"
    case anthropic = "Anthropic"

    /// A model that takes a budget for its thoughts.
    private static let model: ModelID = "claude-sonnet-4-5"

    func encoded(_ request: ChatRequest) throws -> JSONValue {
        let bytes =
            switch self {
            case .openAI: OpenAIRequestEncoder.body(for: request, model: Self.model)
            case .ollama: try OllamaRequestEncoder.body(for: request, model: Self.model, thinks: true)
            case .anthropic: try AnthropicRequestEncoder.body(for: request, model: Self.model)
            }
        return try JSONValue(parsing: bytes)
    }

    /// What is not passed on, for the reasons that docs/dialects.md gives.
    var leavesOut: Set<AskedFeature> {
        switch self {
        case .openAI: []
        case .ollama: []
        case .anthropic: [.plainThoughts]
        }
    }

    func carries(_ feature: AskedFeature, _ body: JSONValue) -> Bool {
        switch self {
        case .openAI: Self.openAICarries(feature, body)
        case .ollama: Self.ollamaCarries(feature, body)
        case .anthropic: Self.anthropicCarries(feature, body)
        }
    }

    /// - Parameter isKin: Whether the client speaks the same dialect, and gets what the engine wrote.
    func decoded(_ stream: String, isKin: Bool) throws -> [ChatEvent] {
        let bytes = Array(stream.utf8)
        var events: [ChatEvent] = []
        switch self {
        case .openAI:
            let mode = isKin ? OpenAIEventReader.Mode.raw(includesUsage: true) : .decoded
            var reader = OpenAIEventReader(
                kind: .chat, mode: mode, fallback: OpenAIAnswerHeader(id: "c", created: 1, model: "m"))
            try reader.feed(bytes, into: &events)
            return events + (try reader.end())
        case .ollama:
            var decoder = OllamaStreamDecoder()
            try decoder.feed(bytes, into: &events)
            return events + (try decoder.end())
        case .anthropic:
            var decoder = AnthropicStreamDecoder()
            try decoder.feed(bytes, into: &events)
            return events + (try decoder.end())
        }
    }

    /// An answer with a feature; `nil` where the dialect has no word for it.
    func stream(_ feature: ToldFeature) -> String? {
        switch self {
        case .openAI: Self.openAIStream(feature)
        case .ollama: Self.ollamaStream(feature)
        case .anthropic: Self.anthropicStream(feature)
        }
    }

    /// Whether a text says that something went wrong, besides what it says.
    static func isFailure(_ text: JSONValue?) -> Bool {
        let words = text?.stringValue?.lowercased() ?? ""
        return words.hasSuffix("1") && (words.contains("fail") || words.contains("error"))
    }
}
