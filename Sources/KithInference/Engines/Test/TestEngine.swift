// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A deterministic engine for tests, demonstrations and benchmarks; never chosen by itself.
///
/// A token is a word, so that everything an answer says can be counted by hand.
package protocol TestEngine: ChatEngine {
    var setup: TestEngineSetup { get }

    /// Decides the whole answer before its first token.
    func script(for request: ChatRequest) -> TestScript
}

/// What all test engines are made of.
package struct TestEngineSetup: Sendable {
    /// Words that prompt and answer may have together.
    package static let contextLength = 8192

    package var settings: TestEngineSettings
    package var clock: any TimeSource
    /// Counts what this engine does, for tests that must see a generation end.
    package var ledger: GenerationLedger

    package init(
        settings: TestEngineSettings = TestEngineSettings(), clock: any TimeSource = MonotonicClock(),
        ledger: GenerationLedger = GenerationLedger()
    ) {
        self.settings = settings
        self.clock = clock
        self.ledger = ledger
    }
}

extension TestEngine {
    package var modelID: ModelID { ModelID(kind.rawValue) }

    package var capacity: EngineCapacity { EngineCapacity(slots: setup.settings.slots) }

    package func models() async throws -> [ModelInfo] {
        [
            ModelInfo(
                id: modelID, contextLength: TestEngineSetup.contextLength,
                embeds: setup.settings.embeddingDimensions > 0)
        ]
    }

    package func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .prefill(.init()) }

    package func health() async -> EngineHealth { .ready }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        try Task.checkCancellation()
        try check(request.model)
        if let choices = request.sampling.choices, choices != 1 {
            throw ChatFailure(.unsupported, "\(modelID) gives one answer, 'n' cannot be \(choices)", field: "n")
        }
        let promptTokens = request.promptWords
        guard promptTokens <= TestEngineSetup.contextLength else {
            throw ChatFailure(
                .invalidRequest,
                "the prompt has \(promptTokens) tokens, the context of \(modelID) holds \(TestEngineSetup.contextLength)",
                field: "messages")
        }
        return .events(
            TestTokenStream(
                script: script(for: request), promptTokens: promptTokens,
                pace: TestPace(settings: setup.settings, clock: setup.clock), ledger: setup.ledger))
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        try check(request.model)
        let most = setup.settings.embeddingDimensions
        guard most > 0 else { throw ChatFailure(.unsupported, "\(modelID) offers no embeddings") }
        guard request.inputs.count == request.inputCount else {
            throw ChatFailure(.unsupported, "\(modelID) embeds texts, and no tokens", field: "input")
        }
        let dimensions = request.dimensions ?? most
        guard (1...most).contains(dimensions) else {
            throw ChatFailure(
                .invalidRequest, "\(modelID) makes embeddings of 1 to \(most) dimensions", field: "dimensions")
        }
        return EmbeddingAnswer(
            model: modelID, vectors: request.inputs.map { HashedVector.unit(of: $0, dimensions: dimensions) },
            promptTokens: request.inputs.reduce(0) { $0 + Words.count(in: $1) })
    }

    private func check(_ model: ModelID?) throws {
        guard model == nil || model == modelID else {
            throw ChatFailure(.modelNotFound, "there is no model \(model ?? modelID) here", knownModels: [modelID])
        }
    }
}

extension ChatRequest {
    fileprivate var promptWords: Int { messages.reduce(0) { $0 + Words.count(in: $1.content.text) } }

    /// How many tokens may still be made; never negative.
    func tokenLimit(default fallback: Int) -> Int {
        max(0, min(sampling.maxTokens ?? fallback, TestEngineSetup.contextLength - promptWords))
    }
}
