// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@Suite("Every engine", .serialized, .timeLimit(.minutes(5)))
struct EngineConformanceTests {
    /// Anthropic's API takes no seed, and says so.
    private static func fixedChoice(_ subject: EngineSubject) -> SamplingOptions {
        SamplingOptions(maxTokens: 24, temperature: 0, seed: subject == .anthropic ? nil : 7)
    }

    @Test("Lists its models", arguments: EngineSubject.allCases)
    func models(subject: EngineSubject) async throws {
        try await subject.run { fixture in
            let models = try await fixture.engine.models()
            #expect(models.map(\.id) == [fixture.model])
            #expect(models.allSatisfy { $0.contextLength ?? 1 > 0 })
        }
    }

    @Test("Is ready", arguments: EngineSubject.allCases)
    func health(subject: EngineSubject) async throws {
        try await subject.run { #expect(await $0.engine.health() == .ready) }
    }

    @Test("Answers the same in one piece and as a stream, and counts its tokens", arguments: EngineSubject.allCases)
    func plainAndStreamed(subject: EngineSubject) async throws {
        try await subject.run { fixture in
            let requests = [false, true].map { streams in
                ChatRequest(fixture.prompt, model: fixture.model, sampling: Self.fixedChoice(subject), streams: streams)
            }
            let plain = try await fixture.engine.whole(requests[0])
            let streamed = try await fixture.engine.whole(requests[1])
            #expect(!plain.text.isEmpty)
            #expect(plain.text == streamed.text)
            #expect(streamed.finish != nil)
            #expect(streamed.usage?.promptTokens == plain.usage?.promptTokens)
            #expect(streamed.usage?.completionTokens == plain.usage?.completionTokens)
            #expect((1...24).contains(streamed.usage?.completionTokens ?? 0))
            #expect(streamed.usage?.promptTokens ?? 0 > 0)
        }
    }

    @Test("Answers with its own model when none is named", arguments: EngineSubject.allCases)
    func noModelNamed(subject: EngineSubject) async throws {
        try await subject.run { fixture in
            let answered = try await fixture.engine.whole(
                ChatRequest(fixture.prompt, sampling: Self.fixedChoice(subject)))
            #expect(!answered.text.isEmpty)
        }
    }

    @Test("Ends for length at the token limit", arguments: EngineSubject.allCases)
    func tokenLimit(subject: EngineSubject) async throws {
        try await subject.run { fixture in
            let answered = try await fixture.engine.whole(
                ChatRequest(fixture.prompt, model: fixture.model, sampling: SamplingOptions(maxTokens: 3)))
            #expect(answered.finish == .length)
            #expect(answered.usage?.completionTokens == 3)
        }
    }

    @Test("Ends before a stop string", arguments: EngineSubject.allCases)
    func stop(subject: EngineSubject) async throws {
        try await subject.run { fixture in
            var request = ChatRequest(fixture.prompt, model: fixture.model, sampling: Self.fixedChoice(subject))
            let whole = try await fixture.engine.whole(request).text
            let stop = try #require(whole.split(separator: " ").dropFirst(2).first.map(String.init))
            let end = try #require(whole.firstRange(of: stop)).lowerBound
            request.sampling.stop = [stop]
            let answered = try await fixture.engine.whole(request)
            #expect(answered.text == whole[..<end])
            #expect(answered.finish == .stop)
        }
    }

    @Test("Says of an unknown model that it is not found", arguments: EngineSubject.allCases)
    func unknownModel(subject: EngineSubject) async throws {
        try await subject.run { fixture in
            let failure = await #expect(throws: ChatError.self) {
                try await fixture.engine.answer(ChatRequest("hello", model: "no-such-model"))
            }
            #expect(failure?.code == .modelNotFound)
            #expect(failure?.message.contains("no-such-model") == true)
        }
    }

    @Test("Stops generating when its stream is dropped", arguments: EngineSubject.allCases)
    func cancellation(subject: EngineSubject) async throws {
        try await subject.run { fixture in
            let answer = try await fixture.engine.answer(fixture.longRequest)
            guard case .events(let stream) = answer else { throw Answered.Verbatim() }
            let task = Task {
                for try await event in stream {
                    if case .delta = event { return true }
                }
                return false
            }
            #expect(try await task.value)
            try await fixture.generationGivenUp()
        }
    }

    @Test("Stops generating when the task that reads is cancelled", arguments: EngineSubject.allCases)
    func cancelledTask(subject: EngineSubject) async throws {
        try await subject.run { fixture in
            let (tokens, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            let task = Task {
                guard case .events(let stream) = try await fixture.engine.answer(fixture.longRequest) else {
                    throw Answered.Verbatim()
                }
                for try await event in stream {
                    if case .delta = event { continuation.yield() }
                }
            }
            for await _ in tokens { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await fixture.generationGivenUp()
        }
    }

    @Test("Embeds texts as vectors of length one, or says that it does not", arguments: EngineSubject.allCases)
    func embeddings(subject: EngineSubject) async throws {
        try await subject.run { fixture in
            let request = EmbeddingRequest(model: fixture.model, inputs: ["hello", "good evening", "hello"])
            guard fixture.embeds else {
                let failure = await #expect(throws: ChatError.self) { try await fixture.engine.embed(request) }
                #expect(failure?.code == .unsupported)
                return
            }
            let answer = try await fixture.engine.embed(request)
            #expect(answer.vectors.count == 3)
            for vector in answer.vectors {
                let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
                #expect(abs(length - 1) < 1e-3)
            }
            #expect(answer.vectors[0] == answer.vectors[2])
            #expect(answer.vectors[0] != answer.vectors[1])
        }
    }
}
