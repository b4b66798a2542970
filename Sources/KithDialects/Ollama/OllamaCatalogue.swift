// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Ollama's answer to `GET /api/tags`, as far as this node reads it.
package struct OllamaTagList: Decodable, Sendable {
    package struct Model: Decodable, Sendable {
        package var name: String
        package var digest: String?
        private var size: JSONValue?
        private var remoteHost: String?
        private var remoteModel: String?

        private enum CodingKeys: String, CodingKey {
            case name, digest, size
            case remoteHost = "remote_host"
            case remoteModel = "remote_model"
        }

        /// Of its weights; `nil` where Ollama says nothing that can be one.
        package var bytes: Int? { size?.intValue }

        /// Whether Ollama sends its prompts to a provider.
        package var runsElsewhere: Bool {
            let tag = name.split(separator: ":").last ?? ""
            return remoteHost?.isEmpty == false || remoteModel?.isEmpty == false || tag == "cloud"
                || tag.hasSuffix("-cloud")
        }
    }

    package var models: [Model]
}

/// Ollama's answer to `POST /api/show`, as far as this node reads it.
package struct OllamaModelDetails: Decodable, Sendable {
    package enum Capability: String, Sendable { case completion, embedding, vision, tools, thinking }

    package var capabilities: [String]?
    private var parameters: String?
    private var modelInfo: [String: JSONValue]?
    private var remoteHost: String?
    private var remoteModel: String?

    private enum CodingKeys: String, CodingKey {
        case capabilities, parameters
        case remoteHost = "remote_host"
        case remoteModel = "remote_model"
        case modelInfo = "model_info"
    }

    /// Tokens of context the model was made for; the key begins with the name of its architecture.
    package var contextLength: Int? {
        modelInfo?.first { $0.key.hasSuffix(".context_length") }?.value.intValue
    }

    /// The model's own parameter `num_ctx`: tokens that are held unless a request says otherwise.
    package var ownContext: Int? {
        for line in (parameters ?? "").split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count == 2, words[0] == "num_ctx" { return Int(words[1]) }
        }
        return nil
    }

    /// - Returns: `nil` when Ollama does not say, as in older versions.
    package func has(_ capability: Capability) -> Bool? { capabilities?.contains(capability.rawValue) }

    /// Older versions do not say; they embed with any model.
    package var embeds: Bool { has(.embedding) ?? true }

    /// `false` for models that only embed.
    package var chats: Bool { capabilities.map { $0.contains("completion") || !$0.contains("embedding") } ?? true }

    /// Whether Ollama sends its prompts to a provider.
    package var runsElsewhere: Bool { remoteHost?.isEmpty == false || remoteModel?.isEmpty == false }
}

/// Ollama's answer to `GET /api/ps`, as far as this node reads it.
package struct OllamaLoadedList: Decodable, Sendable {
    package struct Model: Decodable, Sendable {
        package var name: String
        /// Tokens for which there is memory; older versions do not say.
        package var contextLength: Int?

        private enum CodingKeys: String, CodingKey {
            case name
            case contextLength = "context_length"
        }
    }

    package var models: [Model]
}

/// Ollama's answer to `POST /api/embed`.
package struct OllamaEmbeddings: Sendable {
    package let embeddings: [[Float]]
    package let promptTokens: Int

    /// - Throws: `ChatError` with `invalidAnswer` for what is not such an answer, and `engineError` for an error.
    package init(_ body: [UInt8]) throws(ChatError) {
        var embeddings: [[Float]]?
        var promptTokens = 0
        do {
            try JSONScanner.scan(body) { scanner throws(JSONError) in
                try scanner.enterObject()
                while let key = try scanner.nextKey() {
                    if scanner.matches(key, "embeddings"), scanner.kind() == .array {
                        var vectors: [[Float]] = []
                        try scanner.enterArray()
                        while try scanner.nextElement() { vectors.append(try scanner.floats()) }
                        embeddings = vectors
                    } else if scanner.matches(key, "prompt_eval_count") {
                        promptTokens = TokenUsage.count(try scanner.value())
                    } else {
                        try scanner.skipValue()
                    }
                }
                try scanner.end()
            }
        } catch {
            throw ChatError(.invalidAnswer, "Ollama's answer holds no embeddings: \(error)")
        }
        guard let embeddings else {
            let complaint = (try? JSONValue(parsing: body)).flatMap { EngineComplaint($0) }
            throw complaint?.failure() ?? ChatError(.invalidAnswer, "Ollama's answer holds no embeddings")
        }
        self.embeddings = embeddings
        self.promptTokens = promptTokens
    }
}

extension JSONScanner {
    /// Reads a list of numbers.
    mutating func floats() throws(JSONError) -> [Float] {
        var numbers: [Float] = []
        try enterArray()
        while try nextElement() { numbers.append(Float(double(try number()))) }
        return numbers
    }
}

extension ModelID {
    /// The name with the tag that Ollama takes when none is given.
    package var withOllamaTag: ModelID {
        let name = rawValue.split(separator: "/").last ?? ""
        return name.contains(":") ? self : ModelID(rawValue + ":latest")
    }
}
