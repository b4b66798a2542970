// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel

/// What a request needs of an engine besides text for text, and an engine may not offer.
package enum Feature: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case embeddings
    /// Plain text completion, without a chat template.
    case completion
    case vision
    case audio
    case tools
    case responseFormat = "response-format"
    /// Several answers at once.
    case multipleChoices = "multiple-choices"
    case logprobs
    case rerank
    case transcriptions
    case translations
    case speech
    case imageGenerations = "image-generations"
    case imageEdits = "image-edits"
    case imageVariations = "image-variations"

    package var description: String { rawValue }

    /// In a sentence.
    var words: String {
        switch self {
        case .embeddings: "embeddings"
        case .completion: "plain completions"
        case .vision: "pictures"
        case .audio: "sound"
        case .tools: "tools"
        case .responseFormat: "response formats"
        case .multipleChoices: "several answers at once"
        case .logprobs: "log probabilities"
        case .rerank, .transcriptions, .translations, .speech, .imageGenerations, .imageEdits, .imageVariations:
            service?.words ?? rawValue
        }
    }

    /// The field of a request that asks for it.
    package var field: String {
        switch self {
        case .embeddings: "input"
        case .completion: "prompt"
        case .vision, .audio: "messages"
        case .tools: "tools"
        case .responseFormat: "response_format"
        case .multipleChoices: "n"
        case .logprobs: "logprobs"
        case .rerank, .transcriptions, .translations, .speech, .imageGenerations, .imageEdits, .imageVariations: "model"
        }
    }

    /// Whether an engine that has it takes every value of its field.
    var isAllOrNothing: Bool {
        switch self {
        case .multipleChoices, .logprobs: true
        case .embeddings, .completion, .vision, .audio, .tools, .responseFormat, .rerank, .transcriptions,
            .translations, .speech, .imageGenerations, .imageEdits, .imageVariations:
            false
        }
    }

    /// What the engine says of whether the model can do this; `nil` where it says nothing.
    func isOffered(by model: ModelInfo) -> Bool? {
        switch self {
        case .embeddings: model.embeds ? model.capabilities.flatMap { $0.contains("embedding") ? true : nil } : false
        case .vision: model.capabilities?.contains("vision")
        case .tools: model.capabilities?.contains("tools")
        case .audio, .completion, .responseFormat, .multipleChoices, .logprobs, .rerank, .transcriptions,
            .translations, .speech, .imageGenerations, .imageEdits, .imageVariations:
            nil
        }
    }

    /// Whether its word is the last one: older versions of Ollama leave a picture out without a word, while others refuse by
    /// themselves what they say that they cannot do.
    var isSettledByCapabilities: Bool { self == .embeddings || self == .vision }
}

// MARK: Services

extension Feature {
    init(_ service: EngineService) {
        switch service {
        case .rerank: self = .rerank
        case .transcriptions: self = .transcriptions
        case .translations: self = .translations
        case .speech: self = .speech
        case .imageGenerations: self = .imageGenerations
        case .imageEdits: self = .imageEdits
        case .imageVariations: self = .imageVariations
        }
    }

    /// What it is to have this; `nil` for what is a matter of chats.
    var service: EngineService? { EngineService.allCases.first { Feature($0) == self } }
}

// MARK: In a request

extension Feature {
    /// The features that a request uses.
    package static func needed(by request: ChatRequest) -> Set<Feature> {
        var needed: Set<Feature> = request.kind == .completion ? [.completion] : []
        for message in request.messages {
            guard case .parts(let parts) = message.content else { continue }
            for part in parts {
                if let feature = Feature(partOfType: part["type"]?.stringValue) { needed.insert(feature) }
            }
        }
        let extensions = request.extensions
        if mayCallTools(request) { needed.insert(.tools) }
        if let format = extensions["response_format"]?["type"]?.stringValue, format != "text" {
            needed.insert(.responseFormat)
        }
        if let count = request.sampling.choices, count > 1 { needed.insert(.multipleChoices) }
        if request.wantsLogProbabilities { needed.insert(.logprobs) }
        if extensions["modalities"]?.arrayValue?.contains("audio") == true { needed.insert(.audio) }
        return needed
    }

    /// Whether an answer may hold calls.
    static func mayCallTools(_ request: ChatRequest) -> Bool {
        isGiven(request.extensions["tools"]) || isGiven(request.extensions["functions"])
    }

    private init?(partOfType type: String?) {
        switch type {
        case "image_url", "image", "input_image": self = .vision
        case "input_audio", "audio", "audio_url": self = .audio
        default: return nil
        }
    }

    private static func isGiven(_ list: JSONValue?) -> Bool { list?.arrayValue.map { !$0.isEmpty } ?? false }
}

// MARK: In an engine's words

extension Feature {
    private static let denials = [
        "not support", "unsupported", "n't support", "not available", "not enabled", "not implemented", "not offer",
        "no support", "offers no", "not a multimodal", "not multimodal", "missing data required", "at most 0 ",
    ]
    /// Words that say that something is wrong with this one request, though its kind may be served.
    private static let oneRequest = [
        "url", "format", "mime", "decode", "base64", "download", "fetch", "too large", "too many", "size", "invalid",
        "parameter", "value",
    ]
    private static let subjects: [(word: String, feature: Feature)] = [
        ("embedding", .embeddings), ("image", .vision), ("audio", .audio), ("vision", .vision), ("mmproj", .vision),
        ("multimodal", .vision), ("multi-modal", .vision), ("tool", .tools), ("function call", .tools),
    ]

    /// Whether an engine says that it cannot do something, whatever it is.
    static func isDenied(in words: String) -> Bool {
        let words = words.prefix(2_000).lowercased()
        return denials.contains(where: words.contains) && !oneRequest.contains(where: words.contains)
    }

    /// What an engine says that it cannot do; `nil` for words that say something else, or are about this one request.
    package static func denied(in words: String) -> Feature? {
        guard isDenied(in: words) else { return nil }
        let words = words.prefix(2_000).lowercased()
        return subjects.first { words.contains($0.word) }?.feature
    }
}
