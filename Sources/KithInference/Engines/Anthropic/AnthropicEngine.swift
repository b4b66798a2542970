// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
package import KithTransport
import NIOHTTP1

/// Anthropic's messages API.
package struct AnthropicEngine: ChatEngine {
    private static let slots = 16

    let connection: EngineConnection
    let catalogue: ModelCatalogue
    let preferred: ModelID?
    /// Tokens made at most for a request that gives no limit.
    private let defaultLimit: Int

    /// - Parameter secrets: Reads the key, when the settings only say where it is stored.
    package init(
        settings: AnthropicSettings, client: UpstreamClient, secrets: (any SecretKeeper)? = nil,
        clock: any TimeSource = MonotonicClock()
    ) {
        var connection = EngineConnection(client: client, name: "Anthropic", address: settings.address)
        connection.headers.add(name: "anthropic-version", value: AnthropicRequestEncoder.version)
        connection.credential = settings.key.map { .header("x-api-key", $0.source(from: secrets)) }
        self.connection = connection
        preferred = settings.model
        defaultLimit = settings.defaultMaxTokens
        catalogue = ModelCatalogue(clock: clock, preferred: preferred) { [connection] in
            try await connection.get(AnthropicModelList.self, path: "/v1/models?limit=1000").data
                .map { ModelInfo(id: ModelID($0.id), ownedBy: "anthropic") }
        }
    }

    package var kind: EngineKind { .anthropic }

    package var isRemote: Bool { true }

    package var capacity: EngineCapacity { EngineCapacity(slots: Self.slots) }

    package func models() async throws -> [ModelInfo] { try await catalogue.refreshed() }

    /// The API refuses a beginning that ends in white space, and any beginning from a model that thinks or is newer.
    package func continuationWay(for request: ChatRequest) async throws -> ContinuationWay {
        AnthropicRequestEncoder.takesBeginning(request, model: request.model ?? preferred)
            ? .prefill(.init(mayEndInSpace: false)) : .anew
    }

    package func health() async -> EngineHealth {
        await connection.health {
            _ = try await connection.get(
                AnthropicModelList.self, path: "/v1/models?limit=1", limits: EngineConnection.healthLimits)
        }
    }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        // Aliases are valid without being listed, so the API decides whether a name is valid.
        let model: ModelID
        if let wanted = request.model {
            model = wanted
        } else {
            model = try await catalogue.resolve(nil, preferred: preferred)
        }
        let (_, body) = try await connection.stream(
            path: "/v1/messages",
            body: try AnthropicRequestEncoder.body(for: request, model: model, defaultLimit: defaultLimit),
            model: model, mark: request.mark,
            limits: UpstreamLimits(
                firstByte: request.firstTokenLimit, stall: max(.seconds(30), request.firstTokenLimit)))
        return .events(EngineStream(body: body, decoder: AnthropicStreamDecoder(), stallLimit: request.stallLimit))
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        throw ChatError(.unsupported, "Anthropic offers no embeddings")
    }
}
