// SPDX-License-Identifier: Apache-2.0

import KithModel

/// An engine of the owner's list: some of its models only, or only when one is named; and never a node of kith, which is asked as kin or
/// not at all: as an engine it could ask this one.
struct LimitedEngine: ChatEngine {
    private let engine: any ChatEngine
    /// Empty for all.
    private let models: [ModelPattern]
    private let isForNamedOnly: Bool

    /// - Parameter isForNamedOnly: Whether no prompt goes there that names no model, unless the owner chose one of its models for
    ///   those.
    init(_ engine: any ChatEngine, models: [ModelPattern], isForNamedOnly: Bool = false) {
        self.engine = engine
        self.models = models
        self.isForNamedOnly = isForNamedOnly
    }

    var kind: EngineKind { engine.kind }

    var isRemote: Bool { engine.isRemote }

    var capacity: EngineCapacity { engine.capacity }

    var parts: [EngineCapacity] { engine.parts }

    func residentModels() async -> [ModelID]? { await engine.residentModels() }

    var modelStores: [any ModelStore] {
        engine.modelStores.map { store in LimitedModels(store: store) { allows($0) } }
    }

    func part(for model: ModelID?) -> Int { engine.part(for: model) }

    func kind(for model: ModelID?) -> EngineKind { engine.kind(for: model) }

    func models() async throws -> [ModelInfo] {
        let listed = try await engine.models()
        if listed.contains(where: { $0.ownedBy == "kith" && $0.id == "auto" }) {
            throw ChatError(.noEngine, "it is a node of kith: pair with it by kith invite, and leave it out of engines")
        }
        return listed.filter { allows($0.id) }.map { model in
            var model = model
            model.runsElsewhere = model.runsElsewhere || isForNamedOnly
            return model
        }
    }

    func health() async -> EngineHealth { await engine.health() }

    func continuationWay(for request: ChatRequest) async throws -> ContinuationWay {
        try await engine.continuationWay(for: request)
    }

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        try require(request.model)
        return try await engine.answer(request)
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        try require(request.model)
        return try await engine.embed(request)
    }

    func promptTokens(of request: ChatRequest) async throws -> Int? { try await engine.promptTokens(of: request) }

    func passThrough(_ request: PassThroughRequest) async throws -> PassThroughAnswer {
        try require(request.model)
        return try await engine.passThrough(request)
    }

    private func allows(_ model: ModelID) -> Bool { models.isEmpty || models.contains { $0.matches(model) } }

    private func require(_ model: ModelID?) throws(ChatError) {
        guard let model, !allows(model) else { return }
        throw ChatError(.modelNotFound, "model '\(model)' is not one that this engine is asked for", field: "model")
    }
}

/// The models of an engine of which the owner allows some only: others are neither listed nor changed.
private struct LimitedModels: ModelStore {
    let store: any ModelStore
    let allows: @Sendable (ModelID) -> Bool

    var place: ModelPlace { store.place }

    var fixedBecause: String? { store.fixedBecause }

    func kept() async throws -> [KeptModel] { try await store.kept().filter { allows($0.id) } }

    func pull(_ model: ModelID, note: @Sendable (PullSign) throws -> Void) async throws {
        try require(model)
        try await store.pull(model, note: note)
    }

    func load(_ model: ModelID, for stay: Duration?) async throws {
        try require(model)
        try await store.load(model, for: stay)
    }

    func unload(_ model: ModelID) async throws {
        try require(model)
        try await store.unload(model)
    }

    func remove(_ model: ModelID) async throws {
        try require(model)
        try await store.remove(model)
    }

    func copy(_ model: ModelID, as name: ModelID) async throws {
        try require(model)
        try require(name)
        try await store.copy(model, as: name)
    }

    private func require(_ model: ModelID) throws(ChatError) {
        guard !allows(model) else { return }
        throw ChatError(
            .unsupported, "the owner's list of engines does not allow \(model) at this one: see engines in kith.yaml")
    }
}
