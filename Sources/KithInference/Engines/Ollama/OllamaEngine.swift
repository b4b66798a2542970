// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
package import KithTransport
import NIOCore
import NIOHTTP1

/// An Ollama on this machine or another.
package struct OllamaEngine: ChatEngine {
    package let capacity: EngineCapacity
    private let connection: EngineConnection
    private let catalogue: ModelCatalogue
    private let contexts: OllamaContexts
    private let preferred: ModelID?

    package init(settings: OllamaSettings, client: UpstreamClient, clock: any TimeSource = MonotonicClock()) {
        self.init(settings: settings, client: client, watch: nil, clock: clock)
    }

    /// - Parameter watch: Looks who has the port; `nil` for one that the owner named.
    init(settings: OllamaSettings, client: UpstreamClient, watch: OwnerWatch?, clock: any TimeSource) {
        let connection = EngineConnection(client: client, name: "Ollama", address: settings.address, watch: watch)
        let contexts = OllamaContexts(connection: connection, limit: settings.contextLength, clock: clock)
        let details = OllamaDetailsCache(connection: connection, contexts: contexts)
        self.connection = connection
        self.contexts = contexts
        capacity = EngineCapacity(slots: settings.slots)
        preferred = settings.model?.withOllamaTag
        catalogue = ModelCatalogue(clock: clock, preferred: preferred) {
            var models: [ModelInfo] = []
            for tag in try await connection.get(OllamaTagList.self, path: "/api/tags").models {
                models.append(try await details.info(tag))
            }
            return models
        }
    }

    package var kind: EngineKind { .ollama }

    package var isRemote: Bool { !connection.address.isNear }

    package var modelStores: [any ModelStore] {
        [OllamaModels(connection: connection, contexts: contexts, preferred: preferred)]
    }

    package func models() async throws -> [ModelInfo] { try await catalogue.refreshed() }

    /// Ollama leaves a final assistant message open, for the model to go on with.
    package func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .prefill(.init()) }

    package func health() async -> EngineHealth {
        await connection.health {
            _ = try await connection.get(JSONValue.self, path: "/api/version", limits: EngineConnection.healthLimits)
        }
    }

    package func residentModels() async -> [ModelID]? { await contexts.loaded()?.models.map { ModelID($0.name) } }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        let model = try await catalogue.resolve(request.model?.withOllamaTag, preferred: preferred)
        let thinks = try await thinks(model, for: request)
        return try await contexts.holding(request, by: model) { context in
            try await answer(request, by: model, thinks: thinks, context: context)
        }
    }

    private func answer(
        _ request: ChatRequest, by model: ModelID, thinks: Bool, context: Int?
    ) async throws -> ChatAnswer {
        var asked = request
        asked.streams = !request.wantsWholeAnswer
        let path = OllamaRequestEncoder.path(for: asked)
        let body = try OllamaRequestEncoder.body(for: asked, model: model, thinks: thinks, context: context)
        if request.wantsWholeAnswer {
            let reply = try await connection.reply(
                path: path, body: body, model: model, mark: request.mark,
                limits: UpstreamLimits(firstByte: ChatRequest.wholeAnswerLimit))
            return .events(
                EngineStream(told: try OllamaWholeAnswer.events(in: Array(reply.body.readableBytesView))))
        }
        let stream = try await connection.stream(
            path: path, body: body, model: model, mark: request.mark,
            limits: UpstreamLimits(firstByte: request.firstTokenLimit)
        ).body
        return .events(EngineStream(body: stream, decoder: OllamaStreamDecoder(), stallLimit: request.stallLimit))
    }

    /// Whether Ollama says that the model thinks; asked only for a request that says how much it should.
    private func thinks(_ model: ModelID, for request: ChatRequest) async throws -> Bool {
        guard request.extensions["reasoning_effort"] != nil, request.extensions["think"] == nil else { return false }
        return try await catalogue.info(model, preferred: nil)?.capabilities?.contains("thinking") ?? false
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        let model = try await catalogue.resolve(request.model?.withOllamaTag, preferred: preferred)
        guard request.inputs.count == request.inputCount else {
            throw ChatError(.unsupported, "Ollama embeds texts, and no tokens", field: "input")
        }
        var body: JSONObject = [
            "model": .string(model.rawValue), "input": .array(request.inputs.map { .string($0) }),
        ]
        // Another number than that of chats would have the model loaded anew.
        if let told = contexts.told(model) { body["options"] = ["num_ctx": .integer(Int64(told))] }
        body["dimensions"] = request.dimensions.map { .integer(Int64($0)) }
        let reply = try await connection.reply(
            path: "/api/embed", body: body.jsonBytes, model: model, mark: request.mark,
            limits: UpstreamLimits(firstByte: .seconds(120), bodyBytes: 64 << 20))
        let answer = try OllamaEmbeddings(Array(reply.body.readableBytesView))
        guard answer.embeddings.count == request.inputs.count else {
            throw ChatError(.invalidAnswer, "Ollama did not embed every text")
        }
        return EmbeddingAnswer(model: model, vectors: answer.embeddings, promptTokens: answer.promptTokens)
    }
}
