// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// `GET /v1/models`. Of a server's list, only the models are read.
package struct OpenAIModelList: Codable, Sendable {
    package var object: String?
    package var data: [OpenAIModel]

    /// - Parameter asleep: Those that only a machine has that sleeps, and that a prompt wakes.
    package init(_ models: [ModelInfo], asleep: Set<ModelID> = []) {
        object = "list"
        data = models.map { OpenAIModel($0, isAsleep: asleep.contains($0.id)) }
    }
}

/// `GET /v1/models/{id}`; of the fields after `owned_by`, `meta` is llama.cpp's, `max_model_len` vLLM's and `context_length` that of
/// OpenRouter and others, read when present. A node writes the last two: clients that know one have the length of a conversation right.
package struct OpenAIModel: Codable, Sendable {
    package struct Meta: Codable, Sendable {
        package var contextLength: Int?

        private enum CodingKeys: String, CodingKey { case contextLength = "n_ctx" }
    }

    /// What llama.cpp and OpenRouter say of what a model takes.
    package struct Architecture: Codable, Sendable {
        package var inputModalities: [String]?

        private enum CodingKeys: String, CodingKey { case inputModalities = "input_modalities" }
    }

    /// What only kith says of a model.
    package struct Extension: Codable, Sendable {
        /// Whether only a machine has it that sleeps: a prompt for it wakes that machine, and waits.
        package var asleep: Bool
    }

    package var id: String
    package var object: String?
    package var created: Int?
    package var ownedBy: String?
    package var meta: Meta?
    package var architecture: Architecture?
    package var maxModelLength: Int?
    private var statedContextLength: Int?
    package var kith: Extension?

    private enum CodingKeys: String, CodingKey {
        case id, object, created, meta, architecture
        case ownedBy = "owned_by"
        case maxModelLength = "max_model_len"
        case statedContextLength = "context_length"
        case kith = "x_kith"
    }

    package init(_ model: ModelInfo, isAsleep: Bool = false) {
        id = model.id.rawValue
        object = "model"
        created = model.created
        ownedBy = model.ownedBy
        maxModelLength = model.contextLength
        statedContextLength = model.contextLength
        kith = isAsleep ? Extension(asleep: true) : nil
    }

    /// Whether a node of kith lists it as its own, as every node with models does its `auto`.
    package var isOfNode: Bool { ownedBy == "kith" }

    /// In Ollama's words; `nil` where the server does not say. All that chat can be given tools.
    package var abilities: [String]? {
        architecture?.inputModalities.map { inputs in
            ["completion", "tools"] + (inputs.contains("image") ? ["vision"] : [])
                + (inputs.contains("audio") ? ["audio"] : [])
        }
    }

    package var contextLength: Int? { meta?.contextLength ?? maxModelLength ?? statedContextLength }
}
