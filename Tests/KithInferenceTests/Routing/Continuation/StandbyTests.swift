// SPDX-License-Identifier: Apache-2.0

@testable import KithInference
import KithModel
import Synchronization
import Testing

@Suite("Another engine reads an answer while it is given", .timeLimit(.minutes(1)))
struct StandbyTests {
    private let question = ChatRequest(
        messages: [ChatMessage(.user, "count")], sampling: SamplingOptions(maxTokens: 150))
    private let numbers = (1...150).map(String.init).joined(separator: " ")

    /// Breaks off after so many tokens.
    private func breaking(after tokens: Int) -> ScriptedEngine {
        ScriptedEngine(
            events: (1...tokens).map { .text($0 == 1 ? "1" : " \($0)") },
            failure: ChatError(.interrupted, "the engine broke"))
    }

    private func stream(_ dispatcher: Dispatcher, _ request: ChatRequest? = nil) async throws -> TokenStream {
        guard case .stream(let stream) = try await dispatcher.dispatch(request ?? question).body else {
            throw ChatError(.invalidAnswer, "a stream was expected")
        }
        return stream
    }

    private func text(of stream: TokenStream, tokens: Int = .max) async throws -> String {
        var text = ""
        var left = tokens
        while left > 0, let event = try await stream.next() {
            guard case .event(.delta(let delta)) = event else { continue }
            text += delta.text
            left -= 1
        }
        return text
    }

    @Test("It has read the beginning when it has to go on, and says nothing of it twice")
    func reads() async throws {
        let second = ReadingEngine(way: .prefill(.init()))
        let dispatcher = Dispatcher(
            mesh: try await EngineMesh(["first": breaking(after: 100), "second": second]), clock: MonotonicClock(),
            keepsStandby: true)
        let stream = try await stream(dispatcher)
        let beginning = try await text(of: stream, tokens: 60)
        await second.whenAsked()
        #expect(try await beginning + text(of: stream) == numbers)
        let read = try #require(second.requests.first)
        #expect(read.begun?.isOnlyRead == true)
        #expect(read.begun?.tokens == Standby.interval)
        #expect(read.sampling.maxTokens == 1)
        #expect(second.requests.last?.begun?.isOnlyRead == nil)
    }

    @Test("When it fails to read, it is asked again some tokens later")
    func triedAgain() async throws {
        let second = ReadingEngine(way: .prefill(.init()), failures: 1)
        let dispatcher = Dispatcher(
            mesh: try await EngineMesh(["first": CountEngine(), "second": second]), clock: MonotonicClock(),
            keepsStandby: true)
        var long = question
        long.sampling.maxTokens = 100_000
        let stream = try await stream(dispatcher, long)
        while second.requests.count < 2, try await !text(of: stream, tokens: 1).isEmpty { await Task.yield() }
        let read = try #require(second.requests.dropFirst().first)
        #expect(try #require(read.begun?.tokens) >= Standby.interval + Standby.patience)
    }

    @Test("One that would have to begin anew is left alone after the first try, and so is everybody by default")
    func leftAlone() async throws {
        let anew = ReadingEngine(way: .anew)
        let willing = Dispatcher(
            mesh: try await EngineMesh(["first": CountEngine(), "second": anew]), clock: MonotonicClock(),
            keepsStandby: true)
        let stream = try await stream(willing)
        _ = try await text(of: stream, tokens: 60)
        await anew.whenAsked()
        _ = try await text(of: stream)
        #expect(anew.requests.isEmpty)

        let second = ReadingEngine(way: .prefill(.init()))
        let ordinary = Dispatcher(
            mesh: try await EngineMesh(["first": CountEngine(), "second": second]), clock: MonotonicClock())
        _ = try await text(of: self.stream(ordinary))
        #expect(second.requests.isEmpty)
    }
}

/// Counts, and remembers what it was asked.
private final class ReadingEngine: ChatEngine {
    private struct State {
        var requests: [ChatRequest] = []
        var isAsked = false
        var failures: Int
    }

    private let engine = CountEngine()
    private let way: ContinuationWay
    private let state: Mutex<State>

    /// - Parameter failures: How many questions are not answered.
    init(way: ContinuationWay, failures: Int = 0) {
        self.way = way
        state = Mutex(State(failures: failures))
    }

    /// Each as the engine got it, with what had been begun.
    var requests: [ChatRequest] { state.withLock(\.requests) }

    func whenAsked() async {
        while !state.withLock(\.isAsked) { await Task.yield() }
    }

    var kind: EngineKind { .count }
    var capacity: EngineCapacity { EngineCapacity(slots: 4) }

    func models() async throws -> [ModelInfo] { [ModelInfo(id: "m"), ModelInfo(id: "count")] }

    func health() async -> EngineHealth { .ready }

    func continuationWay(for request: ChatRequest) async throws -> ContinuationWay {
        state.withLock { state in
            state.isAsked = true
            if case .prefill = way { state.requests.append(request) }
        }
        return way
    }

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        let fails = state.withLock { state in
            state.failures -= 1
            return state.failures >= 0
        }
        if fails { throw ChatError(.engineError, "not this time") }
        var request = request
        request.model = nil
        return try await engine.answer(request)
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { try await engine.embed(request) }
}
