// SPDX-License-Identifier: Apache-2.0

/// `GET /api/v1/models` of LM Studio, which says what its `/v1/models` does not: what a model can, and how much of a prompt it reads as
/// it is loaded (lmstudio.ai/docs/developer/rest/list).
package struct LMStudioModelList: Decodable, Sendable {
    /// As LM Studio's `/v1/models` has it for all models, whoever made them.
    package static let owner = "organization_owner"

    package struct Model: Decodable, Sendable {
        package struct Instance: Decodable, Sendable {
            package struct Configuration: Decodable, Sendable {
                package var contextLength: Int?

                private enum CodingKeys: String, CodingKey { case contextLength = "context_length" }
            }

            package var id: String
            package var config: Configuration?
        }

        package struct Capabilities: Decodable, Sendable {
            package var vision: Bool?
        }

        package var key: String
        package var type: String?
        package var loadedInstances: [Instance]?
        package var capabilities: Capabilities?

        private enum CodingKeys: String, CodingKey {
            case key, type, capabilities
            case loadedInstances = "loaded_instances"
        }

        package var embeds: Bool { type == "embedding" }

        /// By which `/v1/models` may mean it while it is loaded: its key, and what its instances are called.
        package var loadedNames: [String] {
            let instances = loadedInstances ?? []
            return instances.isEmpty ? [] : [key] + instances.map(\.id)
        }

        /// Of the instance that has this name, else of the one that was loaded first; `nil` while it is not loaded: how long its context
        /// will be then is not said.
        package func contextLength(of name: String) -> Int? {
            let instance = loadedInstances?.first { $0.id == name } ?? loadedInstances?.first
            return instance?.config?.contextLength.flatMap { $0 > 0 ? $0 : nil }
        }

        /// In Ollama's words. All that chat can be given tools; what a model was not trained for it may do badly.
        package var abilities: [String]? {
            if embeds { return ["embedding"] }
            return capabilities?.vision.map { ["completion", "tools"] + ($0 ? ["vision"] : []) }
        }
    }

    package var models: [Model]

    /// By all names that `/v1/models` may have for them.
    package var byName: [String: Model] {
        Dictionary(models.flatMap { model in ([model.key] + model.loadedNames).map { ($0, model) } }) { first, _ in
            first
        }
    }
}
