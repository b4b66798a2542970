// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import KithTransport
import Synchronization
import Testing
@testable import KithInference

@Suite("Ollama, and how much it reads", .timeLimit(.minutes(1)))
struct OllamaEngineTests {
    /// An Ollama that loads its model anew when it is told another length, and refuses what does not fit.
    private final class Loading: Sendable {
        struct State {
            var length: Int?
            var loads = 0
            var memory = Int.max
        }

        let state = Mutex(State())

        @Sendable
        func answer(_ request: StubRequest, _ answer: StubAnswer) async throws {
            switch request.uri {
            case "/api/ps":
                let loaded = state.withLock { $0.length }.map {
                    #"{"name":"\#(DialectStub.model)","context_length":\#($0)}"#
                }
                try await answer.send(#"{"models":[\#(loaded ?? "")]}"#)
            case "/api/chat":
                let body = DialectStub.json(request)
                let prompt = body["messages"]?.arrayValue?.last?["content"]?.stringValue ?? ""
                let wanted = body["options"]?["num_ctx"]?.intValue ?? 4_096
                let tokens = prompt.split(separator: " ").count
                let fits = state.withLock { state in
                    guard wanted <= state.memory else { return false }
                    if state.length != wanted { state.loads += 1 }
                    state.length = wanted
                    return true
                }
                guard fits else {
                    return try await answer.send(
                        #"{"error":"llama runner process has terminated: signal: killed"}"#, status: 500
                    )
                }
                guard tokens <= wanted || body["truncate"] != false else {
                    return try await answer.send(
                        #"{"error":"request (\#(tokens) tokens) exceeds the available context size (\#(wanted) tokens)"}"#,
                        status: 400)
                }
                try await answer.send(
                    #"{"model":"m","message":{"role":"assistant","content":"ok"},"done":true,"done_reason":"stop"}"#)
            default: try await OllamaStub.answer(request, answer)
            }
        }
    }

    private func asked(_ words: Int, _ word: String = "word ") -> ChatRequest {
        ChatRequest(
            model: DialectStub.model, messages: [ChatMessage(.user, String(repeating: word, count: words))],
            sampling: SamplingOptions(maxTokens: 100), streams: false)
    }

    private func serving(
        limit: Int? = nil, _ body: (OllamaEngine, Loading) async throws -> Void
    ) async throws {
        let client = UpstreamClient()
        let ollama = Loading()
        try await StubServer.serve(ollama.answer) { server in
            let settings = OllamaSettings(address: server.address, contextLength: limit)
            try await body(OllamaEngine(settings: settings, client: client), ollama)
        }
        await client.shutDown()
    }

    @Test("Loads its model once for a prompt of 20,000 tokens, and not again for fifty others of all lengths")
    func steady() async throws {
        try await serving { engine, ollama in
            _ = try await engine.answer(asked(3))
            _ = try await engine.answer(asked(20_000))
            #expect(ollama.state.withLock { $0.loads } == 2)
            for number in 0..<50 { _ = try await engine.answer(asked(1 + number * 400)) }
            #expect(ollama.state.withLock { $0.loads } == 2)
        }
    }

    @Test("Says which of its models are in memory")
    func resident() async throws {
        try await serving { engine, _ in
            #expect(await engine.residentModels() == [])
            _ = try await engine.answer(asked(3))
            #expect(await engine.residentModels() == [DialectStub.model])
        }
    }

    @Test("Is given more when it counts more tokens than were estimated")
    func recounted() async throws {
        try await serving { engine, ollama in
            _ = try await engine.answer(asked(6_000, "a "))
            #expect(ollama.state.withLock { $0.length ?? 0 } >= 6_000)
        }
    }

    @Test("A prompt for which nothing suffices is refused with both lengths, and the model is as it was for others")
    func tooLong() async throws {
        try await serving(limit: 8_192) { engine, ollama in
            let failure = try await #require(throws: ChatError.self) {
                _ = try await engine.answer(asked(20_000, "a "))
            }
            #expect(failure.code == .invalidRequest)
            #expect(failure.excess == PromptExcess(tokens: 20_000, limit: 8_192))
            _ = try await engine.answer(asked(3))
            #expect(ollama.state.withLock { $0.length } == 8_192)
        }
    }

    @Test("A length for which there is no memory stops one prompt, and no other")
    func noMemory() async throws {
        try await serving { engine, ollama in
            ollama.state.withLock { $0.memory = 8_192 }
            _ = try await engine.answer(asked(3))
            let failure = try await #require(throws: ChatError.self) { _ = try await engine.answer(asked(20_000)) }
            #expect(failure.code == .unsupported)
            #expect(failure.message.contains("could not hold 32768 tokens"))
            _ = try await engine.answer(asked(3))
            _ = try await engine.answer(asked(2_000))
            #expect(ollama.state.withLock { $0.length } == 4_096)
        }
    }

    @Test("Says of its models what the owner allows", arguments: [(8_192, 8_192), (nil, 131_072)] as [(Int?, Int)])
    func catalogue(limit: Int?, length: Int) async throws {
        try await serving(limit: limit) { engine, _ in
            let models = try await engine.models()
            #expect(models.first?.contextLength == length)
        }
    }
}
