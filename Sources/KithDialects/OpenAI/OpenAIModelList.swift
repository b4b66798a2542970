// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// `GET /v1/models`. Of a server's list, only the models are read.
package struct OpenAIModelList: Codable, Sendable {
    package var object: String?
    package var data: [OpenAIModel]

    package init(_ models: [ModelInfo]) {
        object = "list"
        data = models.map(OpenAIModel.init)
    }
}

/// `GET /v1/models/{id}`; the fields after `owned_by` are llama.cpp's and vLLM's, read when present. A node writes vLLM's:
/// clients that know it have the length of a conversation right.
package struct OpenAIModel: Codable, Sendable {
    package struct Meta: Codable, Sendable {
        package var contextLength: Int?

        private enum CodingKeys: String, CodingKey { case contextLength = "n_ctx" }
    }

    package var id: String
    package var object: String?
    package var created: Int?
    package var ownedBy: String?
    package var meta: Meta?
    package var maxModelLength: Int?

    private enum CodingKeys: String, CodingKey {
        case id, object, created, meta
        case ownedBy = "owned_by"
        case maxModelLength = "max_model_len"
    }

    package init(_ model: ModelInfo) {
        id = model.id.rawValue
        object = "model"
        created = model.created
        ownedBy = model.ownedBy
        maxModelLength = model.contextLength
    }

    /// Whether a node of kith lists it as its own, as every node with models does its `auto`.
    package var isOfNode: Bool { ownedBy == "kith" }

    package var contextLength: Int? { meta?.contextLength ?? maxModelLength }
}
