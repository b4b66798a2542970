// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
package import KithTransport
import NIOHTTP1

/// An Ollama on this machine or another.
package struct OllamaEngine: ChatEngine {
    /// Ollama queues what it cannot run at once (OLLAMA_NUM_PARALLEL).
    private static let slots = 4

    private let connection: EngineConnection
    private let catalogue: ModelCatalogue
    private let preferred: ModelID?

    package init(settings: OllamaSettings, client: UpstreamClient, clock: any TimeSource = MonotonicClock()) {
        let connection = EngineConnection(client: client, name: "Ollama", address: settings.address)
        let details = OllamaDetailsCache(connection: connection)
        self.connection = connection
        preferred = settings.model?.withOllamaTag
        catalogue = ModelCatalogue(clock: clock) {
            var models: [ModelInfo] = []
            for tag in try await connection.get(OllamaTagList.self, path: "/api/tags").models {
                models.append(try await details.info(tag))
            }
            return models
        }
    }

    package var kind: EngineKind { .ollama }

    package var capacity: EngineCapacity { EngineCapacity(slots: Self.slots) }

    package func models() async throws -> [ModelInfo] { try await catalogue.refreshed() }

    /// Ollama leaves a final assistant message open, for the model to go on with.
    package func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .prefill(.init()) }

    package func health() async -> EngineHealth {
        await connection.health {
            _ = try await connection.get(JSONValue.self, path: "/api/version", limits: EngineConnection.healthLimits)
        }
    }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        let model = try await catalogue.resolve(request.model?.withOllamaTag, preferred: preferred)
        let body = try await connection.stream(
            path: OllamaRequestEncoder.path(for: request),
            body: try OllamaRequestEncoder.body(for: request, model: model),
            model: model, contentType: "application/x-ndjson",
            limits: UpstreamLimits(firstByte: request.firstTokenLimit))
        return .events(
            DecodedStream(
                body: body, decoder: OllamaStreamDecoder(), stallLimit: request.stallLimit))
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        let model = try await catalogue.resolve(request.model?.withOllamaTag, preferred: preferred)
        var body: [String: JSONValue] = [
            "model": .string(model.rawValue), "input": .array(request.inputs.map { .string($0) }),
        ]
        body["dimensions"] = request.dimensions.map { .integer(Int64($0)) }
        let answer = try await connection.post(
            OllamaEmbeddings.self, path: "/api/embed", body: try JSONBody.encode(body), model: model,
            limits: UpstreamLimits(firstByte: .seconds(120)))
        guard answer.embeddings.count == request.inputs.count else {
            throw ChatFailure(.invalidAnswer, "Ollama did not embed every text")
        }
        return EmbeddingAnswer(model: model, vectors: answer.embeddings, promptTokens: answer.promptTokens ?? 0)
    }
}
