// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Logging
import Synchronization
import Testing

@testable import KithInference

@Suite("Models in use are kept and loaded by the owner's own orders", .timeLimit(.minutes(1)))
struct ModelWarmerTests {
    /// One model on the disk, which counts how often it is loaded, and for how long.
    private final class Disk: ModelStore {
        let place = ModelPlace(kind: .ollama)
        let loads = Mutex<[Duration?]>([])

        func kept() async throws -> [KeptModel] { [KeptModel(id: "m", residency: .onDisk, bytes: 10)] }

        func load(_ model: ModelID, for stay: Duration?) async throws { loads.withLock { $0.append(stay) } }
    }

    private struct Engine: ChatEngine {
        let base = EchoEngine()
        let modelStores: [any ModelStore]

        var kind: EngineKind { .echo }
        var capacity: EngineCapacity { base.capacity }
        func models() async throws -> [ModelInfo] { try await base.models() }
        func continuationWay(for request: ChatRequest) async throws -> ContinuationWay {
            try await base.continuationWay(for: request)
        }
        func health() async -> EngineHealth { .ready }
        func answer(_ request: ChatRequest) async throws -> ChatAnswer { try await base.answer(request) }
        func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { try await base.embed(request) }
    }

    private struct Status: EngineStatusSource {
        var bytes: Int?

        func status() -> EngineStatus {
            EngineStatus(
                kind: .ollama, health: .ready, reason: "the test says so", models: [ModelInfo(id: "m", bytes: bytes)])
        }
    }

    private let clock = ManualClock()
    private let disk = Disk()

    private func warmer(bytes: Int?, isPaused: Bool = false) -> ModelWarmer {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let models = NodeModels(
            node: "desk", seat: EngineSeat(LocalEngine(engine: Engine(modelStores: [disk]), clock: clock)),
            status: Status(bytes: bytes), freeBytes: { _ in nil }, clock: clock, logger: logger, onChange: {})
        return ModelWarmer(
            models: models, machine: { MachineFacts(memory: .init(total: 1_000, free: 900)) }, isPaused: { isPaused },
            clock: clock, logger: logger)
    }

    private func use(_ warmer: ModelWarmer) {
        for _ in 0..<5 {
            warmer.answered("m")
            clock.advance(by: LoadAhead.countPause)
        }
    }

    @Test("What is in use is loaded for a quarter of an hour")
    func loads() async {
        let warmer = warmer(bytes: 10)
        #expect(await warmer.next() == nil)
        use(warmer)
        #expect(await warmer.next() == .load("m"))
        let running = Task { await warmer.run() }
        while disk.loads.withLock({ $0.isEmpty }) { await Task.yield() }
        #expect(disk.loads.withLock { $0 } == [.seconds(900)])
        running.cancel()
        await running.value
    }

    @Test("Nothing is, while the machine is paused, or where the weights are on another one")
    func held() async {
        for warmer in [warmer(bytes: 10, isPaused: true), warmer(bytes: nil)] {
            use(warmer)
            #expect(await warmer.next() == nil)
        }
    }
}
