// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import KithTransport
import Testing

/// Every engine there is.
enum EngineSubject: String, CaseIterable, CustomTestStringConvertible {
    case echo, count, ollama, openAI, anthropic, embedded

    var testDescription: String { rawValue }

    func run(_ body: (EngineFixture) async throws -> Void) async throws {
        let client = UpstreamClient()
        switch self {
        case .echo:
            let setup = Self.slowSetup()
            try await body(
                Self.fixture(EchoEngine(), "echo", slow: EchoEngine(setup: setup), counter: setup.counter))
        case .count:
            let setup = Self.slowSetup()
            try await body(
                Self.fixture(CountEngine(), "count", slow: CountEngine(setup: setup), counter: setup.counter))
        case .ollama:
            try await stubbed(OllamaStub.answer, body) {
                OllamaEngine(settings: OllamaSettings(address: $0), client: client)
            }
        case .openAI:
            try await stubbed(OpenAIStub.answer, body) { address in
                var base = address
                base.basePath = "/v1"
                return OpenAICompatibleEngine(settings: OpenAISettings(address: base), client: client)
            }
        case .anthropic:
            try await stubbed(AnthropicStub.answer, body) {
                AnthropicEngine(
                    settings: AnthropicSettings(address: $0, key: .value(Secret("key-of-the-stub"))), client: client)
            }
        case .embedded: try await body(try await SharedEmbeddedEngine.shared.fixture())
        }
        await client.shutDown()
    }

    private static func slowSetup() -> TestEngineSetup {
        TestEngineSetup(settings: TestEngineSettings(tokensPerSecond: 0.001), clock: ManualClock())
    }

    private static func fixture(
        _ engine: some ChatEngine, _ model: ModelID, slow: some ChatEngine, counter: GenerationCounter
    ) -> EngineFixture {
        EngineFixture(
            engine: PacedPair(fast: engine, slow: slow), model: model,
            longRequest: ChatRequest("one two", model: PacedPair.slowModel),
            generationGivenUp: {
                while counter.counts.cancelled == 0 { await Task.yield() }
            })
    }

    private func stubbed(
        _ responder: @escaping StubServer.Responder, _ body: (EngineFixture) async throws -> Void,
        _ engine: (HTTPAddress) -> any ChatEngine
    ) async throws {
        try await StubServer.serve(responder) { server in
            var fixture = EngineFixture(
                engine: engine(server.address), model: DialectStub.model,
                longRequest: ChatRequest(DialectStub.endless, model: DialectStub.model),
                generationGivenUp: { await server.clientGone() })
            fixture.embeds = self != .anthropic
            try await body(fixture)
        }
    }
}

/// A test engine that is fast, but slow when asked for another model's name.
private struct PacedPair: ChatEngine {
    static let slowModel: ModelID = "slow"

    let fast: any ChatEngine
    let slow: any ChatEngine

    var kind: EngineKind { fast.kind }
    var capacity: EngineCapacity { fast.capacity }

    func models() async throws -> [ModelInfo] { try await fast.models() }
    func health() async -> EngineHealth { await fast.health() }
    func continuationWay(for request: ChatRequest) async throws -> ContinuationWay {
        try await fast.continuationWay(for: request)
    }
    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { try await fast.embed(request) }

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        guard request.model == Self.slowModel else { return try await fast.answer(request) }
        var request = request
        request.model = nil
        return try await slow.answer(request)
    }
}
