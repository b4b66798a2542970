// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Synchronization
import Testing

@Suite("The engine's monitor", .timeLimit(.minutes(1)))
struct EngineMonitorTests {
    private final class Engine: ChatEngine {
        struct State {
            var health = EngineHealth.ready
            var looks = 0
            var lists = 0
            var failure: ChatError?
        }

        let state = Mutex(State())
        var kind: EngineKind { .openAI }
        var capacity: EngineCapacity { EngineCapacity(slots: 2) }

        func models() async throws -> [ModelInfo] {
            state.withLock { $0.lists += 1 }
            return [ModelInfo(id: "m")]
        }

        func health() async -> EngineHealth {
            state.withLock { state in
                state.looks += 1
                return state.health
            }
        }

        func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .anew }

        func answer(_ request: ChatRequest) async throws -> ChatAnswer {
            if let failure = state.withLock(\.failure) { throw failure }
            return .verbatim(VerbatimAnswer(contentType: "application/json", body: []))
        }

        func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
            throw ChatError(.unsupported, "no embeddings")
        }
    }

    private static func running(
        _ body: (EngineMonitor, Engine, LocalEngine, ManualClock) async throws -> Void
    ) async throws {
        let (engine, clock) = (Engine(), ManualClock(now: .seconds(1_000)))
        let local = LocalEngine(engine: engine, clock: clock)
        let monitor = EngineMonitor(seat: EngineSeat(local), reason: "a test", clock: clock)
        await monitor.refresh()
        let loop = Task { await monitor.run() }
        while clock.sleeperCount == 0 { await Task.yield() }
        try await body(monitor, engine, local, clock)
        loop.cancel()
        await loop.value
    }

    private static func looked(_ engine: Engine, _ count: Int) async {
        while engine.state.withLock(\.looks) < count { await Task.yield() }
    }

    @Test("A failed request is followed by a look at once, and one that asks for an unknown model by the list")
    func failedRequest() async throws {
        try await Self.running { monitor, engine, local, clock in
            clock.advance(by: .seconds(2))
            engine.state.withLock {
                $0.failure = ChatError(.unreachable, "no")
                $0.health = .down("refused")
            }
            _ = try? await local.answer(ChatRequest(model: "m", messages: []))
            await Self.looked(engine, 2)
            while monitor.status().health == .ready { await Task.yield() }
            #expect(monitor.status().models.map(\.id) == ["m"])
            #expect(monitor.status().engine == .down("refused"))
        }
    }

    @Test("What is asked wrongly is no reason to look")
    func wrongRequest() async throws {
        try await Self.running { _, engine, local, clock in
            clock.advance(by: .seconds(2))
            for code in [ChatError.Code.invalidRequest, .unsupported, .unauthorized, .rateLimited, .cancelled] {
                engine.state.withLock { $0.failure = ChatError(code, "no") }
                _ = try? await local.answer(ChatRequest(model: "m", messages: []))
            }
            for _ in 0..<100 { await Task.yield() }
            #expect(engine.state.withLock(\.looks) == 1)
        }
    }

    @Test("The router is told when the engine is back")
    func returned() async throws {
        try await Self.running { monitor, engine, local, clock in
            let times = Mutex(0)
            monitor.whenReturned { times.withLock { $0 += 1 } }
            engine.state.withLock { $0.health = .down("refused") }
            await monitor.refresh()
            #expect(times.withLock { $0 } == 0)
            engine.state.withLock { $0.health = .ready }
            await monitor.refresh()
            #expect(times.withLock { $0 } == 1)
            engine.state.withLock { $0.health = .down("refused") }
            await monitor.refresh()
            _ = try await local.answer(ChatRequest(model: "m", messages: []))
            #expect(times.withLock { $0 } == 2)
            #expect(monitor.status().engine == .ready)
        }
    }

    @Test("An engine that is found while the node runs is asked at once, and tells of itself from then on")
    func found() async throws {
        let (engine, clock, seat) = (Engine(), ManualClock(now: .seconds(1_000)), EngineSeat())
        let monitor = EngineMonitor(seat: seat, reason: "none", clock: clock)
        let loop = Task { await monitor.run() }
        while clock.sleeperCount == 0 { await Task.yield() }
        #expect(monitor.status().kind == nil)
        monitor.take(LocalEngine(engine: engine, clock: clock), reason: "it answers now")
        await Self.looked(engine, 1)
        while monitor.status().models.isEmpty { await Task.yield() }
        #expect(monitor.status().kind == .openAI)
        #expect(monitor.status().reason == "it answers now")
        engine.state.withLock { $0.failure = ChatError(.unreachable, "no") }
        _ = try? await seat.engine?.answer(ChatRequest(model: "m", messages: []))
        clock.advance(by: .seconds(2))
        await Self.looked(engine, 2)
        loop.cancel()
        await loop.value
    }

    @Test("A node without an engine is ready with nothing, and asks nobody")
    func none() async {
        let monitor = EngineMonitor(seat: EngineSeat(), reason: "none", clock: ManualClock())
        await monitor.refresh()
        #expect(monitor.status().engine == .ready)
        #expect(monitor.status().whyDown == nil)
        #expect(monitor.status().models.isEmpty)
    }
}
