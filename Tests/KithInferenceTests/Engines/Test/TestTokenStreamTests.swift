// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Testing

@Suite("The stream of a test engine")
struct TestTokenStreamTests {
    private let clock = ManualClock()
    private let counter = GenerationCounter()

    private func engine(rate: Double?, delay: Duration = .zero) -> EchoEngine {
        EchoEngine(
            setup: TestEngineSetup(
                settings: TestEngineSettings(tokensPerSecond: rate, firstTokenDelay: delay), clock: clock,
                counter: counter))
    }

    private func stream(_ engine: EchoEngine, _ text: String) async throws -> ChatStream {
        guard case .events(let stream) = try await engine.answer(ChatRequest(text)) else { throw Answered.Verbatim() }
        return stream
    }

    /// Waits until somebody sleeps on the manual clock.
    private func sleeper() async { while clock.sleeperCount == 0 { await Task.yield() } }

    @Test("Waits for the first token and then keeps the pace", .timeLimit(.minutes(1)))
    func pace() async throws {
        let stream = try await stream(engine(rate: 10, delay: .seconds(2)), "a b c")
        let task = Task {
            var moments: [Double] = []
            for try await event in stream {
                if case .delta = event { moments.append((clock.now - .zero).seconds) }
            }
            return moments
        }
        for step in [Duration.seconds(2), .milliseconds(100), .milliseconds(100)] {
            await sleeper()
            clock.advance(by: step)
        }
        #expect(try await task.value.map { ($0 * 10).rounded() / 10 } == [2, 2.1, 2.2])
    }

    @Test("Makes no token before it is asked for one")
    func pullDriven() async throws {
        let stream = try await stream(engine(rate: nil), "a b c d")
        #expect(counter.counts.tokens == 0)
        var iterator = stream.makeAsyncIterator()
        _ = try await iterator.next(isolation: #isolation)
        #expect(counter.counts.tokens == 1)
    }

    @Test("Counts a generation as cancelled when its task is cancelled", .timeLimit(.minutes(1)))
    func cancelled() async throws {
        let stream = try await stream(engine(rate: 0.001), "a b")
        let task = Task { for try await _ in stream {} }
        await sleeper()
        #expect(counter.counts.active == 1)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(counter.counts == .init(active: 0, finished: 0, cancelled: 1, tokens: 1))
    }

    @Test("Counts a generation as cancelled when its iterator is dropped, though the stream lives on")
    func dropped() async throws {
        let stream = try await stream(engine(rate: nil), "a b")
        do {
            var iterator = stream.makeAsyncIterator()
            _ = try await iterator.next(isolation: #isolation)
        }
        #expect(counter.counts == .init(active: 0, finished: 0, cancelled: 1, tokens: 1))
        withExtendedLifetime(stream) {}
    }

    @Test("Counts a generation as finished when its answer was whole")
    func finished() async throws {
        for try await _ in try await stream(engine(rate: nil), "a b") {}
        #expect(counter.counts == .init(active: 0, finished: 1, cancelled: 0, tokens: 2))
    }
}
