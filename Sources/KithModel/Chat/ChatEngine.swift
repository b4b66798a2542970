// SPDX-License-Identifier: Apache-2.0

/// Something that answers requests: an engine on this machine, or a kin.
package protocol Answering: Sendable {
    /// Begins to answer.
    ///
    /// Returns once the other side has accepted the request, which may be before its first token. Cancelling the calling
    /// task, or dropping the returned stream, ends the generation.
    ///
    /// - Throws: ``ChatError``; `CancellationError` when the task was cancelled.
    func answer(_ request: ChatRequest) async throws -> ChatAnswer

    /// Embeds texts.
    ///
    /// - Throws: ``ChatError`` with ``ChatError/Code/unsupported`` where embeddings are not offered.
    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer

    /// Counts the tokens of a prompt as the model reads it, with the template and the tools, without answering it.
    ///
    /// - Returns: `nil` where the engine cannot be asked for that.
    /// - Throws: As ``answer(_:)``.
    func promptTokens(of request: ChatRequest) async throws -> Int?

    /// Does what a request of another kind asks, if this has the service.
    ///
    /// Returns when the head of the answer is there.
    ///
    /// - Throws: As ``answer(_:)``; ``ChatError`` with ``ChatError/Code/unsupported`` and no field where the service is not
    ///   offered, as by default.
    func passThrough(_ request: PassThroughRequest) async throws -> PassThroughAnswer
}

extension Answering {
    package func promptTokens(of request: ChatRequest) async throws -> Int? { nil }

    package func passThrough(_ request: PassThroughRequest) async throws -> PassThroughAnswer {
        throw ChatError(.unsupported, "this engine does not offer \(request.service.words)")
    }
}

/// What generates tokens on this machine: Ollama, an OpenAI-compatible server, llama.cpp, or a cloud provider.
///
/// A conformer translates one dialect and keeps no queue of its own; its callers respect ``capacity``.
package protocol ChatEngine: Answering {
    var kind: EngineKind { get }

    /// Whether it is somebody else's machine, which charges for requests or counts them: it is not asked without need.
    var isRemote: Bool { get }

    /// How much this engine can do at once.
    var capacity: EngineCapacity { get }

    /// What ``capacity`` consists of, where models do not share all slots; by default it alone.
    var parts: [EngineCapacity] { get }

    /// Which of ``parts`` a request for `model` takes a slot of.
    func part(for model: ModelID?) -> Int

    /// What answers for `model`; by default ``kind``.
    func kind(for model: ModelID?) -> EngineKind

    /// The models that can be asked for now; empty while there are none.
    ///
    /// - Throws: ``ChatError`` when the engine cannot be asked.
    func models() async throws -> [ModelInfo]

    /// How this engine continues an answer to `request`, a chat, that another engine has begun.
    ///
    /// - Throws: ``ChatError`` when the engine must be asked and cannot be; `CancellationError`.
    func continuationWay(for request: ChatRequest) async throws -> ContinuationWay

    /// Whether the engine would answer now. Returns within two seconds, also when the engine hangs.
    func health() async -> EngineHealth

    /// The models that are in memory, under the names that ``models()`` lists; by default `nil`, for an engine that does not say.
    /// Returns within two seconds.
    func residentModels() async -> [ModelID]?

    /// The models that it keeps, with what can be done with them: one for each of ``parts``.
    var modelStores: [any ModelStore] { get }
}

extension ChatEngine {
    package var isRemote: Bool { false }

    /// As ``models()``, and each says whether this engine is at a provider.
    ///
    /// - Throws: ``ChatError`` when the engine cannot be asked.
    package func describedModels() async throws -> [ModelInfo] {
        try await models().map { model in
            var model = model
            model.isAtProvider = model.isAtProvider || isRemote
            return model
        }
    }

    package func residentModels() async -> [ModelID]? { nil }

    package var parts: [EngineCapacity] { [capacity] }

    package func part(for model: ModelID?) -> Int { 0 }

    package func kind(for model: ModelID?) -> EngineKind { kind }

    package var modelStores: [any ModelStore] { [fixedModels(at: nil)] }

    /// What it lists, for an engine that keeps its models where kith cannot change them.
    ///
    /// - Parameter address: Of the engine, where several of a kind have to be told apart.
    package func fixedModels(at address: String?) -> FixedModels {
        FixedModels(
            ModelPlace(kind: kind, address: address, isRemote: isRemote), because: kind.whyModelsAreFixed
        ) {
            try await describedModels().map { model in
                var kept = KeptModel(
                    id: model.id, residency: model.mayCost ? .elsewhere : kind.residencyWhereUnsaid)
                kept.isPreferred = model.isPreferred
                return kept
            }
        }
    }
}

package enum EngineKind: String, Sendable, Codable, CaseIterable {
    case ollama
    case openAI = "openai"
    case anthropic
    case embedded
    /// Test engine: the last user message word for word.
    case echo
    /// Test engine: 1 2 3 … up to the token limit.
    case count

    /// Why kith cannot change which models such an engine has, unless the engine says otherwise.
    package var whyModelsAreFixed: String {
        switch self {
        case .ollama: "this Ollama does not offer it"
        case .openAI: "OpenAI's API has no words for it: use the programs of the server itself"
        case .anthropic: "the models are the provider's"
        case .embedded: "llama.cpp reads the file it was started with: engine.model names another one, at a new start"
        case .echo, .count: "it is a test engine, whose model is made of nothing"
        }
    }

    /// Where models are of which the engine says no more than that they are there.
    fileprivate var residencyWhereUnsaid: Residency {
        switch self {
        case .echo, .count: .loaded
        case .ollama, .openAI, .anthropic, .embedded: .unknown
        }
    }
}

package struct EngineCapacity: Hashable, Sendable, Codable {
    /// Requests served at once, at least 1.
    package var slots: Int
    /// Requests that may wait for a slot.
    package var queueLimit: Int

    package init(slots: Int, queueLimit: Int = 64) {
        self.slots = max(1, slots)
        self.queueLimit = max(0, queueLimit)
    }
}

package enum EngineHealth: Hashable, Sendable {
    case ready
    case loading
    /// Cannot answer, and why in one sentence.
    case down(String)
}

/// Notified whenever a user is served, directly or through a kin.
package protocol UserPresence: Sendable {
    /// A user is served from now on, as long as the returned value is kept.
    func begin() -> any Sendable
}
