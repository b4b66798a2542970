// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel

/// A deterministic engine for tests, demonstrations and benchmarks; never chosen by itself.
///
/// A token is a word, so that everything an answer says can be counted by hand.
package protocol TestEngine: ChatEngine {
    var setup: TestEngineSetup { get }

    /// Decides the whole answer before its first token.
    func script(for request: ChatRequest) -> TestScript
}

/// What all test engines have in common.
package struct TestEngineSetup: Sendable {
    /// Words that prompt and answer may have together.
    package static let contextLength = 8192

    package var settings: TestEngineSettings
    package var clock: any TimeSource
    /// Counts what this engine does, for tests that must see a generation end.
    package var counter: GenerationCounter

    package init(
        settings: TestEngineSettings = TestEngineSettings(), clock: any TimeSource = MonotonicClock(),
        counter: GenerationCounter = GenerationCounter()
    ) {
        self.settings = settings
        self.clock = clock
        self.counter = counter
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
            throw ChatError(.unsupported, "\(modelID) gives one answer, 'n' cannot be \(choices)", field: "n")
        }
        let promptTokens = request.promptWords
        guard promptTokens <= TestEngineSetup.contextLength else {
            var failure = ChatError(
                .invalidRequest,
                "the prompt has \(promptTokens) tokens, the context of \(modelID) holds \(TestEngineSetup.contextLength)",
                field: "messages")
            failure.excess = PromptExcess(tokens: promptTokens, limit: TestEngineSetup.contextLength)
            throw failure
        }
        try request.refuseSeveralChoices(for: modelID.rawValue)
        try request.refuseLogProbabilities(for: modelID.rawValue)
        return .events(
            TestTokenStream(
                script: script(for: request), promptTokens: promptTokens,
                pace: TestPace(settings: setup.settings, clock: setup.clock), counter: setup.counter))
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        try check(request.model)
        let most = setup.settings.embeddingDimensions
        guard most > 0 else { throw ChatError(.unsupported, "\(modelID) offers no embeddings") }
        guard request.inputs.count == request.inputCount else {
            throw ChatError(.unsupported, "\(modelID) embeds texts, and no tokens", field: "input")
        }
        let dimensions = request.dimensions ?? most
        guard (1...most).contains(dimensions) else {
            throw ChatError(
                .invalidRequest, "\(modelID) makes embeddings of 1 to \(most) dimensions", field: "dimensions")
        }
        return EmbeddingAnswer(
            model: modelID, vectors: request.inputs.map { HashedVector.unit(of: $0, dimensions: dimensions) },
            promptTokens: request.inputs.reduce(0) { $0 + Words.count(in: $1) })
    }

    private func check(_ model: ModelID?) throws {
        guard model == nil || model == modelID else {
            throw ChatError(.modelNotFound, "there is no model \(model ?? modelID) here", knownModels: [modelID])
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

/// The whole of an answer that a test engine will give.
package struct TestScript: Hashable, Sendable {
    package private(set) var tokens: [String]
    package private(set) var finish: FinishReason

    /// Cuts an answer at the token limit and at the first stop string, which is left out, as OpenAI's API says.
    ///
    /// - Parameters:
    ///   - tokens: The answer, at least one token more than `limit` when it would go on.
    ///   - limit: At most this many tokens.
    ///   - stop: Texts that end the answer; empty ones are ignored.
    package init(tokens: some Sequence<String>, limit: Int, stop: [String]) {
        let offered = Array(tokens.prefix(limit + 1))
        self.tokens = Array(offered.prefix(limit))
        finish = offered.count > limit ? .length : .stop
        let text = self.tokens.joined()
        if let end = Self.firstMatch(of: stop, in: text) {
            finish = .stop
            self.tokens = Self.cut(self.tokens, toBytes: end)
        }
    }

    /// Compares bytes, since a stop string must not match text that is merely canonically equivalent.
    private static func firstMatch(of stops: [String], in text: String) -> Int? {
        let bytes = Array(text.utf8)
        return
            stops.compactMap { stop -> Int? in
                let pattern = Array(stop.utf8)
                guard !pattern.isEmpty, pattern.count <= bytes.count else { return nil }
                return (0...bytes.count - pattern.count).first { bytes[$0...].starts(with: pattern) }
            }
            .min()
    }

    private static func cut(_ tokens: [String], toBytes end: Int) -> [String] {
        var left = end
        var kept: [String] = []
        for token in tokens where left > 0 {
            let taken = token.utf8.prefix(left)
            left -= taken.count
            kept.append(String(decoding: taken, as: UTF8.self))
        }
        return kept
    }
}

/// Vectors that stand in for embeddings: the same text gives the same vector on every machine.
enum HashedVector {
    /// A vector of length 1.
    static func unit(of text: String, dimensions: Int) -> [Float] {
        var state = fingerprint(text)
        var components = (0..<dimensions).map { _ in component(from: &state) }
        let length = components.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard length > 0 else {
            components[0] = 1
            return components.map(Float.init)
        }
        return components.map { Float($0 / length) }
    }

    /// FNV-1a, 64 bits (Fowler, Noll and Vo; IETF draft-eastlake-fnv).
    private static func fingerprint(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    /// A step of a 64-bit linear congruential generator (Knuth, MMIX); its upper half as a number in -1..<1.
    private static func component(from state: inout UInt64) -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
    }
}
