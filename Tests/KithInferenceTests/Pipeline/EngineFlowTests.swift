// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import NIOCore
import NIOPosix
import Testing

@Suite("An answer that is told by calls", .timeLimit(.minutes(1)))
struct EngineFlowTests {
    /// Keeps what it is told. Bound to its event loop.
    private final class Listener: ChatEventReceiver {
        var text = ""
        var ends = 0
        var failure: ChatError?
        var flow: EngineFlow?
        /// Stops listening after so many events.
        var patience = Int.max
        let done: EventLoopPromise<Void>

        init(_ done: EventLoopPromise<Void>) { self.done = done }

        func received(_ event: ChatEvent) {
            if case .delta(let delta) = event { text += delta.text }
            patience -= 1
            if patience == 0 {
                flow?.cancel()
                done.succeed()
            }
        }

        func readEnded() {}

        func ended(_ failure: (any Error)?) {
            ends += 1
            self.failure = failure as? ChatError
            done.succeed()
        }
    }

    private func listen(
        to engine: some ChatEngine, patience: Int = .max
    ) async throws -> (text: String, ends: Int, failure: ChatError?) {
        guard case .events(let events) = try await engine.answer(ChatRequest(messages: [ChatMessage(.user, "a b c")]))
        else { throw ChatError(.invalidAnswer, "events were expected") }
        let reader = try #require(EngineStream(events).takeReader())
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        let done = eventLoop.makePromise(of: Void.self)
        let listener = try await eventLoop.submit {
            let listener = Listener(done)
            listener.patience = patience
            listener.flow = reader.flow(on: eventLoop, to: listener)
            return NIOLoopBound(listener, eventLoop: eventLoop)
        }.get()
        try await done.futureResult.get()
        return try await eventLoop.submit {
            defer { listener.value.flow = nil }
            return (listener.value.text, listener.value.ends, listener.value.failure)
        }.get()
    }

    @Test("It is told whole, and its end once")
    func whole() async throws {
        let heard = try await listen(to: EchoEngine())
        #expect(heard.text == "a b c")
        #expect(heard.ends == 1)
        #expect(heard.failure == nil)
    }

    @Test("One that breaks ends with what broke it, one that ends without an end was cut off")
    func broken() async throws {
        let failure = ChatError(.engineError, "no more")
        let broken = try await listen(to: ScriptedEngine(events: [.text("one")], failure: failure))
        #expect(broken.text == "one")
        #expect(broken.failure?.message == "no more")
        #expect(try await listen(to: ScriptedEngine(events: [.text("one")])).failure?.code == .interrupted)
    }

    @Test("One that nobody listens to any more is told nothing more, and what makes it ends")
    func cancelled() async throws {
        let counter = GenerationCounter()
        let settings = TestEngineSettings(tokensPerSecond: 500)
        let heard = try await listen(
            to: CountEngine(setup: TestEngineSetup(settings: settings, counter: counter)), patience: 3)
        #expect(heard.ends == 0)
        while counter.counts.active > 0 { await Task.yield() }
        #expect(counter.counts.cancelled == 1)
    }

    @Test("Waiting for each event and being called gives the same answer")
    func both() async throws {
        let engine = CountEngine()
        let called = try await listen(to: engine)
        guard case .events(let events) = try await engine.answer(ChatRequest(messages: [ChatMessage(.user, "a b c")]))
        else { return }
        var waited = ""
        for try await event in EngineStream(events) {
            if case .delta(let delta) = event { waited += delta.text }
        }
        #expect(called.text == waited)
    }
}
