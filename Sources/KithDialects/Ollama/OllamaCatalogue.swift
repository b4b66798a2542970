// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Ollama's answer to `GET /api/tags`, as far as this node reads it.
package struct OllamaTagList: Decodable, Sendable {
    package struct Model: Decodable, Sendable {
        package var name: String
        package var digest: String?
    }

    package var models: [Model]
}

/// Ollama's answer to `POST /api/show`, as far as this node reads it.
package struct OllamaModelDetails: Decodable, Sendable {
    package var capabilities: [String]?
    private var modelInfo: [String: JSONValue]?

    private enum CodingKeys: String, CodingKey {
        case capabilities
        case modelInfo = "model_info"
    }

    /// Tokens of context the model was made for; the key begins with the name of its architecture.
    package var contextLength: Int? {
        modelInfo?.first { $0.key.hasSuffix(".context_length") }?.value.intValue
    }

    /// Older versions do not say; they embed with any model.
    package var embeds: Bool { capabilities.map { $0.contains("embedding") } ?? true }
}

/// Ollama's answer to `POST /api/embed`.
package struct OllamaEmbeddings: Decodable, Sendable {
    package var embeddings: [[Float]]
    package var promptTokens: Int?

    private enum CodingKeys: String, CodingKey {
        case embeddings
        case promptTokens = "prompt_eval_count"
    }
}

extension ModelID {
    /// The name with the tag that Ollama takes when none is given.
    package var withOllamaTag: ModelID {
        let name = rawValue.split(separator: "/").last ?? ""
        return name.contains(":") ? self : ModelID(rawValue + ":latest")
    }
}
