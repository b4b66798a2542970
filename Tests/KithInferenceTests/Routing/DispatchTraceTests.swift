// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import KithTracing
import Testing

@Suite("The trace of a request", .timeLimit(.minutes(1)))
struct DispatchTraceTests {
    private let tracer = NodeTracer(clock: MonotonicClock())
    private let question = ChatRequest(id: "r", model: "m", messages: [ChatMessage(.user, "say something")])
    private let sound = ScriptedEngine(events: [.text("one "), .text("two"), .end(3, 2)])
    private let broken = ChatError(.interrupted, "the engine broke")

    /// The tree of spans, a line each: names with their depth, and what went wrong.
    private func tree() -> [String] {
        let spans = tracer.ring.find("r").flatMap { $0.snapshots(tracer.anchor) }
        return TraceTimeline([("desk", spans)]).rows.map { row in
            let problem = row.span.status == .ok ? "" : " (\(row.span.problem ?? row.span.status.rawValue))"
            return String(repeating: "  ", count: row.depth) + row.span.name + problem
        }
    }

    private func span(_ name: String) throws -> SpanSnapshot {
        let spans = tracer.ring.find("r").flatMap { $0.snapshots(tracer.anchor) }
        return try #require(spans.first { $0.name == name })
    }

    private func ask(
        _ engines: KeyValuePairs<NodeName, any ChatEngine>, change: (inout ChatRequest) -> Void = { _ in }
    ) async throws -> HeardAnswer {
        let dispatcher = Dispatcher(
            mesh: try await EngineMesh(engines), clock: MonotonicClock(), tracer: tracer)
        var asked = question
        change(&asked)
        return try await HeardAnswer(try await dispatcher.dispatch(asked))
    }

    @Test func `A plain answer has a choice, an attempt, a slot and an engine`() async throws {
        _ = try await ask(["first": sound])
        #expect(tree() == ["chat", "  route", "  attempt", "    admission", "    chat m"])
        let request = try span("chat")
        #expect(request.attributes["kith.node"] == "first")
        #expect(request.attributes["gen_ai.response.model"] == "m")
        #expect(request.attributes["gen_ai.usage.output_tokens"] == 2)
        #expect(request.attributes["kith.request.id"] == "r")
        #expect(try span("attempt").moments.map(\.name) == ["first token"])
        #expect(try span("chat m").attributes["gen_ai.provider.name"] == "echo")
    }

    @Test func `What was said is nowhere in it`() async throws {
        _ = try await ask(["first": sound])
        let told = "\(tracer.ring.find("r").flatMap { $0.snapshots(tracer.anchor) })"
        #expect(!told.contains("say something"))
        #expect(!told.contains("two"))
    }

    @Test func `A failure before the first token leads to a second attempt`() async throws {
        let dead = ScriptedEngine(events: [], failure: ChatError(.unreachable, "nobody listens"))
        let heard = try await ask(["first": dead, "second": sound])
        #expect(heard.text == "one two")
        #expect(
            tree() == [
                "chat", "  route", "  attempt (unreachable)", "    admission", "    chat m (unreachable)", "  route",
                "  attempt", "    admission", "    chat m",
            ])
    }

    @Test func `A break in the middle leads to a continuation, and the attempts keep apart`() async throws {
        let heard = try await ask([
            "first": ScriptedEngine(events: [.text("one "), .text("two ")], failure: broken),
            "second": ScriptedEngine(events: [.text("three"), .end()], way: .prefill(.init())),
        ])
        #expect(heard.text == "one two three")
        #expect(
            tree() == [
                "chat", "  route", "  attempt (interrupted)", "    admission", "    chat m (interrupted)",
                "  continuation", "    route", "    attempt", "      admission", "      chat m",
            ])
        let continuation = try span("continuation")
        #expect(continuation.attributes["kith.continuation.after_tokens"] == 2)
        #expect(continuation.attributes["kith.node"] == "second")
    }

    @Test func `A request that nobody can answer has failed`() async throws {
        await #expect(throws: DispatchError.self) {
            _ = try await ask([:])
        }
        #expect(tree().first == "chat (modelNotFound)")
    }

    @Test func `An answer whose client leaves is given up`() async throws {
        let dispatcher = Dispatcher(
            mesh: try await EngineMesh(["first": sound]), clock: MonotonicClock(), tracer: tracer)
        do {
            let routed = try await dispatcher.dispatch(question)
            guard case .stream(let stream) = routed.body else { return }
            _ = try await stream.next()
        }
        #expect(
            tree() == [
                "chat (abandoned)", "  route", "  attempt (abandoned)", "    admission", "    chat m (abandoned)",
            ])
    }

    @Test func `The client's trace goes on to the engine`() async throws {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let caller = try #require(TraceContext(parent: parent))
        _ = try await ask(["first": sound]) { $0.trace = .passing(caller) }
        #expect(try span("chat").parent == caller.span)
        #expect(try span("chat m").trace == caller.trace)
    }

    @Test func `While every slot is taken the wait for one is a span`() async throws {
        let clock = ManualClock()
        let tracer = NodeTracer(clock: clock)
        let engine = LocalEngine(engine: OneSlot(), clock: clock)
        var first: ChatAnswer? = try await engine.answer(question)
        let position = tracer.begin(.serve, .chat, request: "r", from: nil)
        let waiting = Task {
            var second = question
            second.trace = position
            _ = try await engine.answer(second)
        }
        while engine.load.waiting == 0 { await Task.yield() }
        clock.advance(by: .seconds(3))
        withExtendedLifetime(first) {}
        first = nil
        try await waiting.value
        let spans = tracer.ring.find("r").flatMap { $0.snapshots(tracer.anchor) }
        #expect(spans.first { $0.name == "admission" }?.duration == 3_000_000_000)
    }

    private struct OneSlot: ChatEngine {
        var kind: EngineKind { .echo }
        var capacity: EngineCapacity { EngineCapacity(slots: 1) }
        func models() async throws -> [ModelInfo] { [ModelInfo(id: "m")] }
        func health() async -> EngineHealth { .ready }
        func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .anew }
        func answer(_ request: ChatRequest) async throws -> ChatAnswer {
            try await ScriptedEngine(events: [.text("one"), .end()]).answer(request)
        }
        func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { throw ChatError(.unsupported, "no") }
    }
}
