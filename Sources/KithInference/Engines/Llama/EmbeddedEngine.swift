// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTransport
import Synchronization

/// A llama.cpp server that this node runs itself.
///
/// ``process`` must be run alongside it; until its server is ready, requests wait.
package final class EmbeddedEngine: ChatEngine {
    /// A request waits for a server that is down only if it is tried again this soon.
    private static let restartWorthWaitingFor = Duration.seconds(2)

    package let process: LlamaProcess
    package let capacity: EngineCapacity
    private let client: UpstreamClient
    private let clock: any TimeSource
    private let current = Mutex<(address: HTTPAddress, model: ModelID, engine: OpenAICompatibleEngine)?>(nil)

    /// - Parameter slots: As many as the server was started with.
    package init(process: LlamaProcess, slots: Int, client: UpstreamClient, clock: any TimeSource = MonotonicClock()) {
        self.process = process
        capacity = EngineCapacity(slots: slots)
        self.client = client
        self.clock = clock
    }

    package var kind: EngineKind { .embedded }

    package var modelStores: [any ModelStore] { [LlamaModels(process: process)] }

    package func models() async throws -> [ModelInfo] {
        guard case .ready(let address) = process.state else { return [] }
        return try await engine(at: address).models().map { model in
            var model = model
            model.embeds = process.command.embeds
            return model
        }
    }

    package func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .prefill(.init()) }

    package func health() async -> EngineHealth {
        switch process.state {
        case .loading: .loading
        case .ready(let address): await engine(at: address).health()
        case .down(let outage): .down(outage.reason)
        case .stopped: .down("the engine has been stopped")
        }
    }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        try await readyEngine(within: request.firstTokenLimit).answer(request)
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        guard process.command.embeds else { throw ChatError(.unsupported, "this engine offers no embeddings") }
        return try await readyEngine(within: ChatRequest.unknownFirstTokenLimit).embed(request)
    }

    package func promptTokens(of request: ChatRequest) async throws -> Int? {
        guard case .ready(let address) = process.state else { return nil }
        return try await engine(at: address).promptTokens(of: request)
    }

    package func passThrough(_ request: PassThroughRequest) async throws -> PassThroughAnswer {
        try await readyEngine(within: ChatRequest.unknownFirstTokenLimit).passThrough(request)
    }

    private func readyEngine(within limit: Duration) async throws -> OpenAICompatibleEngine {
        var limit = limit
        if case .down(let outage) = process.state, outage.nextAttempt - clock.now > Self.restartWorthWaitingFor {
            limit = .zero
        }
        return engine(at: try await process.address(within: limit))
    }

    private func engine(at address: HTTPAddress) -> OpenAICompatibleEngine {
        current.withLock { current in
            let model = process.command.model
            if let current, current.address == address, current.model == model { return current.engine }
            var base = address
            base.basePath += "/v1"
            let engine = OpenAICompatibleEngine(
                settings: OpenAISettings(
                    address: base, key: .value(process.key), model: model, slots: capacity.slots),
                client: client, kind: .embedded, clock: clock)
            current = (address, model, engine)
            return engine
        }
    }
}
