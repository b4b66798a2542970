// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node says of the models on a machine, at `/api/models` and to kin.
package enum ModelMessage {
    /// Models, engines and pulls of a list each at most; more are cut.
    package static let limit = 512

    /// One model at one engine.
    package struct Model: Codable, Hashable, Sendable {
        package var node: String
        package var name: String
        /// The kind of its engine.
        package var engine: String
        package var address: String?
        package var residency: Residency
        package var sizeBytes: Int?
        package var memoryBytes: Int?
        package var acceleratorMemoryBytes: Int?
        /// RFC 3339, or `always`; missing where it is not loaded or nobody knows.
        package var loadedUntil: String?
        package var digest: String?
        /// RFC 3339.
        package var changedAt: String?
        package var family: String?
        package var parameters: String?
        package var quantization: String?
        package var contextLength: Int?
        package var capabilities: [String]?
        /// Whether the settings name it for prompts that name none.
        package var isPreferred: Bool

        package init(node: String, _ model: KeptModel, at place: ModelPlace, _ info: ModelInfo?) {
            self.node = node
            name = model.id.rawValue
            engine = place.kind.rawValue
            address = place.address
            residency = model.residency
            sizeBytes = model.bytes
            memoryBytes = model.memory
            acceleratorMemoryBytes = model.acceleratorMemory
            loadedUntil =
                switch model.stays {
                case .always: "always"
                case .until(let time): time.rfc3339
                case nil: nil
                }
            digest = model.digest
            changedAt = model.changed?.rfc3339
            family = model.family
            parameters = model.parameters
            quantization = model.quantization
            contextLength = info?.contextLength
            capabilities = info?.capabilities.map { Array($0.prefix(16)) }
            isPreferred = model.isPreferred
        }

        private enum CodingKeys: String, CodingKey {
            case node, name, engine, address, residency, digest, family, parameters, quantization, capabilities
            case sizeBytes = "size_bytes"
            case memoryBytes = "memory_bytes"
            case acceleratorMemoryBytes = "accelerator_memory_bytes"
            case loadedUntil = "loaded_until"
            case changedAt = "changed_at"
            case contextLength = "context_length"
            case isPreferred = "preferred"
        }
    }

    /// One engine of a node.
    package struct Engine: Codable, Hashable, Sendable {
        package var node: String
        package var kind: String
        package var address: String?
        /// Why its models cannot be changed from here; missing where they can.
        package var fixedBecause: String?
        /// Why its models are not known now.
        package var problem: String?
        /// On the disk of its models; missing where that is not known.
        package var freeBytes: Int?
        /// That its models may take together, by the owner's settings.
        package var budgetBytes: Int?

        package init(node: String, _ place: ModelPlace) {
            self.node = node
            kind = place.kind.rawValue
            address = place.address
        }

        private enum CodingKeys: String, CodingKey {
            case node, kind, address, problem
            case fixedBecause = "fixed_because"
            case freeBytes = "free_bytes"
            case budgetBytes = "budget_bytes"
        }
    }

    /// A model that is being got, or was lately; as the data of the server-sent event `pull` too.
    package struct Pull: Codable, Hashable, Sendable {
        package enum State: String, Codable, Sendable, CaseIterable {
            case running, done, cancelled, failed
        }

        package var node: String
        package var name: String
        package var engine: String
        package var state: State
        /// What the engine does, in its words.
        package var status: String
        package var completedBytes: Int
        /// As far as is known; it grows while the engine tells of further parts.
        package var totalBytes: Int?
        /// RFC 3339.
        package var beganAt: String
        /// Why it failed, as for other refusals.
        package var error: Failure?

        package init(
            node: String, name: String, engine: String, state: State, status: String, completedBytes: Int,
            totalBytes: Int?, beganAt: String, error: Failure? = nil
        ) {
            self.node = node
            self.name = name
            self.engine = engine
            self.state = state
            self.status = status
            self.completedBytes = completedBytes
            self.totalBytes = totalBytes
            self.beganAt = beganAt
            self.error = error
        }

        /// As a server-sent event.
        ///
        /// - Throws: `EncodingError`, which these texts cannot cause.
        package func event() throws -> [UInt8] {
            try Array("event: pull\ndata: ".utf8) + JSONBody.encodeLine(self) + Array("\n\n".utf8)
        }

        private enum CodingKeys: String, CodingKey {
            case node, name, engine, state, status, error
            case completedBytes = "completed_bytes"
            case totalBytes = "total_bytes"
            case beganAt = "began_at"
        }
    }

    package struct Failure: Codable, Hashable, Sendable {
        package var code: String
        package var message: String

        package init(code: String, message: String) {
            self.code = code
            self.message = message
        }
    }

    /// A kin that was asked and did not answer.
    package struct Missing: Codable, Hashable, Sendable {
        package var node: String
        package var reason: String

        package init(node: String, reason: String) {
            self.node = node
            self.reason = reason
        }
    }

    /// The answer to `GET /api/models`.
    package struct List: Codable, Hashable, Sendable {
        package var models: [Model]
        package var engines: [Engine]
        package var pulls: [Pull]
        package var missing: [Missing]

        package init(models: [Model] = [], engines: [Engine] = [], pulls: [Pull] = [], missing: [Missing] = []) {
            self.models = models
            self.engines = engines
            self.pulls = pulls
            self.missing = missing
        }
    }
}

extension ModelMessage {
    /// The body of `POST /api/models/pull`.
    package struct PullRequest: Codable, Hashable, Sendable {
        package var name: String
        /// Which engine, where a node has several that pull: its kind or its address.
        package var engine: String?
        /// Which other machine of the owner the weights are copied from; missing to get them from where the engine does.
        package var from: String?

        package init(name: String, engine: String? = nil, from: String? = nil) {
            self.name = name
            self.engine = engine
            self.from = from
        }
    }

    /// What is to be done with a model: what kin send each other, and what the routes below `/api/models` read.
    package struct Order: Codable, Hashable, Sendable {
        package enum Deed: String, Codable, Sendable, CaseIterable {
            case list, show, load, unload, remove, copy, cancel
        }

        package var deed: Deed
        /// The model; empty for a list.
        package var name: String
        package var engine: String?
        /// For `load`: how long it stays loaded without being asked; missing for as long as nobody unloads it.
        package var forSeconds: Int?
        /// For `copy`: the second name.
        package var newName: String?
        /// For `remove`: also a model that is in use, or that the settings name.
        package var force: Bool?

        package init(_ deed: Deed, name: String = "", engine: String? = nil) {
            self.deed = deed
            self.name = name
            self.engine = engine
        }

        private enum CodingKeys: String, CodingKey {
            case deed, name, engine, force
            case forSeconds = "for_seconds"
            case newName = "as"
        }
    }

    /// The body of `POST /api/models/{name}/load`.
    package struct LoadRequest: Codable, Hashable, Sendable {
        package var forSeconds: Int?

        package init(forSeconds: Int? = nil) { self.forSeconds = forSeconds }

        private enum CodingKeys: String, CodingKey { case forSeconds = "for_seconds" }
    }

    /// The body of `POST /api/models/{name}/copy`.
    package struct CopyRequest: Codable, Hashable, Sendable {
        package var newName: String

        package init(newName: String) { self.newName = newName }

        private enum CodingKeys: String, CodingKey { case newName = "as" }
    }

    /// What was done, and how the model is now.
    package struct Done: Codable, Hashable, Sendable {
        package var node: String
        package var name: String
        package var deed: Order.Deed
        /// Missing where it is gone.
        package var model: Model?

        package init(node: String, name: String, deed: Order.Deed, model: Model? = nil) {
            self.node = node
            self.name = name
            self.deed = deed
            self.model = model
        }
    }
}
