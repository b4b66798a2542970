// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Synchronization
import Testing

@Suite("Deadlines", .timeLimit(.minutes(1)))
struct DeadlineTests {
    private let clock = ManualClock()
    private let generations = GenerationCounter()
    private let question = ChatRequest(
        messages: [ChatMessage(.user, "count")], sampling: SamplingOptions(maxTokens: 100))

    /// A token a second, the first after one.
    private func counter(slots: Int = 1) -> LocalEngine {
        let settings = TestEngineSettings(tokensPerSecond: 1, firstTokenDelay: .seconds(1), slots: slots)
        return LocalEngine(
            engine: CountEngine(setup: TestEngineSetup(settings: settings, clock: clock, counter: generations)),
            clock: clock)
    }

    private static func read(_ answer: ChatAnswer) async throws -> (text: String, failure: ChatError?) {
        guard case .events(let stream) = answer else { return ("", nil) }
        var iterator = stream.makeAsyncIterator()
        var text = ""
        do {
            while let event = try await iterator.next(isolation: nil) {
                if case .delta(let delta) = event { text += delta.text }
            }
            return (text, nil)
        } catch let failure as ChatError {
            return (text, failure)
        }
    }

    @Test("An answer under way breaks off at the deadline, and what makes it ends")
    func stream() async throws {
        let engine = counter().until(.seconds(2.5), clock: clock)
        let reading = Task { [question] in try await Self.read(try await engine.answer(question)) }
        for step in [1, 1, 0.6] {
            while clock.sleeperCount < 2 { await Task.yield() }
            clock.advance(by: .seconds(step))
        }
        let (text, failure) = try await reading.value
        #expect(text == "1 2")
        #expect(failure?.code == .deadlineExceeded)
        while generations.counts.active > 0 { await Task.yield() }
        #expect(generations.counts.cancelled == 1)
    }

    @Test("An answer that is whole in time is whole")
    func inTime() async throws {
        let engine = LocalEngine(engine: CountEngine(), clock: clock).until(.seconds(1), clock: clock)
        let (text, failure) = try await Self.read(try await engine.answer(question))
        #expect(text.hasSuffix(" 100"))
        #expect(failure == nil)
        while clock.sleeperCount > 0 { await Task.yield() }
    }

    @Test("A wait for a slot ends at the deadline, and the queue is left")
    func slot() async throws {
        let engine = counter()
        let first = try await engine.answer(question)
        let second = Task { [question, clock] in
            try await engine.until(.seconds(3), clock: clock).answer(question)
        }
        while engine.load.waiting == 0 || clock.sleeperCount == 0 { await Task.yield() }
        clock.advance(by: .seconds(3))
        let failure = await #expect(throws: ChatError.self) { _ = try await second.value }
        #expect(failure?.code == .deadlineExceeded)
        while engine.load.waiting > 0 { await Task.yield() }
        #expect(engine.load == (1, 0))
        withExtendedLifetime(first) {}
    }

    @Test("Nobody is asked when the deadline has passed before")
    func tooLate() async {
        clock.advance(by: .seconds(5))
        let failure = await #expect(throws: ChatError.self) {
            _ = try await counter().until(.seconds(5), clock: clock).answer(question)
        }
        #expect(failure?.code == .deadlineExceeded)
        #expect(generations.counts == .init())
    }

    @Test("Whoever heeds no cancellation is left alone at the deadline")
    func deaf() async throws {
        let deaf = DeafEngine()
        let asking = Task { [question, clock] in
            try await deaf.until(.seconds(1), clock: clock).answer(question)
        }
        while !deaf.isAsked || clock.sleeperCount == 0 { await Task.yield() }
        clock.advance(by: .seconds(1))
        let failure = await #expect(throws: ChatError.self) { _ = try await asking.value }
        #expect(failure?.code == .deadlineExceeded)
        deaf.letGo()
    }

    @Test("A client that goes before its deadline ends the work, and is not told of a deadline")
    func cancelled() async throws {
        let engine = counter().until(.seconds(60), clock: clock)
        let reading = Task { [question] in try await Self.read(try await engine.answer(question)) }
        while clock.sleeperCount < 2 { await Task.yield() }
        reading.cancel()
        await #expect(throws: CancellationError.self) { _ = try await reading.value }
        while generations.counts.active > 0 || clock.sleeperCount > 0 { await Task.yield() }
    }

    @Test("Without a deadline the engine itself is asked")
    func none() {
        #expect(counter().until(nil, clock: clock) is LocalEngine)
    }

    @Test("A deadline is nobody's fault: nothing else is tried, and nothing is held against who was asked")
    func rule() {
        let blame = Blame(ChatError(.deadlineExceeded, ""))
        #expect(!blame.triesAnother)
        #expect(blame.subject == .nobody)
    }
}

/// Answers nothing until it is let go, whoever cancels it.
private final class DeafEngine: Answering {
    private let waiter = Mutex<CheckedContinuation<Void, Never>?>(nil)

    var isAsked: Bool { waiter.withLock { $0 != nil } }

    func letGo() { waiter.withLock { $0.take() }?.resume() }

    func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        await withCheckedContinuation { continuation in waiter.withLock { $0 = continuation } }
        throw ChatError(.interrupted, "let go")
    }

    func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        throw ChatError(.unsupported, "no embeddings")
    }
}
