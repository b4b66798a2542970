// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTesting
import Logging
import Synchronization
import Testing

@testable import KithInference

@Suite(.timeLimit(.minutes(1))) struct NodeModelsTests {
    /// Models that a test says, which count how often they are listed and what is done with them.
    private final class ScriptedStore: ModelStore {
        let place: ModelPlace
        let fixedBecause: String?
        private let models: [KeptModel]
        let listed = Mutex(0)
        let removed = Mutex<[ModelID]>([])

        init(_ names: [ModelID], at place: ModelPlace, fixedBecause: String? = nil) {
            models = names.map { KeptModel(id: $0, residency: .onDisk, bytes: 10) }
            self.place = place
            self.fixedBecause = fixedBecause
        }

        func kept() async throws -> [KeptModel] {
            listed.withLock { $0 += 1 }
            return models
        }

        func remove(_ model: ModelID) async throws { removed.withLock { $0.append(model) } }

        func pull(_ model: ModelID, note: @Sendable (PullSign) throws -> Void) async throws {
            try note(PullSign(status: "pulling", part: "a", total: 5_000_000_000))
            try note(PullSign(status: "success"))
        }
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

    private struct NoStatus: EngineStatusSource {
        func status() -> EngineStatus { EngineStatus(kind: .echo, health: .ready, reason: "the test says so") }
    }

    private let clock = ManualClock()

    private func models(
        _ stores: [ScriptedStore], free: Int? = nil, onChange: @escaping @Sendable () async -> Void = {}
    ) -> NodeModels {
        NodeModels(
            node: "desk",
            seat: EngineSeat(LocalEngine(engine: Engine(modelStores: stores), clock: clock)), status: NoStatus(),
            freeBytes: { _ in free }, clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onChange: onChange)
    }

    private func reason(_ work: () async throws -> Void) async -> ModelRefusal.Reason? {
        do {
            try await work()
            return nil
        } catch {
            return (error as? ModelRefusal)?.reason
        }
    }

    @Test("Of a model that two engines have, the one that can be changed is removed, and no other")
    func choosesTheOneThatCan() async throws {
        let fixed = ScriptedStore(["m:latest"], at: ModelPlace(kind: .openAI), fixedBecause: "because")
        let open = ScriptedStore(["m:latest"], at: ModelPlace(kind: .ollama))
        let models = models([fixed, open])
        try await models.remove("m", isForced: false)
        #expect(open.removed.withLock { $0 } == ["m:latest"])
        #expect(await reason { try await models.remove("m", engine: "openai", isForced: false) } == .fixedModels)
        #expect(await reason { try await models.remove("n", isForced: true) } == .unknownModel)
        #expect(await reason { try await models.remove("m", engine: "vllm", isForced: true) } == .noEngine)
        #expect(fixed.removed.withLock { $0 }.isEmpty)
    }

    @Test("A pull needs to be told which engine where several get models, and says why none does")
    func whichPulls() async throws {
        let fixed = ScriptedStore([], at: ModelPlace(kind: .openAI), fixedBecause: "because")
        #expect(await reason { _ = try await models([fixed]).pull(.init(name: "m")) } == .fixedModels)
        let two = ["a", "b"].map { ScriptedStore([], at: ModelPlace(kind: .ollama, address: "http://\($0):1")) }
        let several = models(two + [fixed])
        #expect(await reason { _ = try await several.pull(.init(name: "m")) } == .severalEngines)
        let pull = try await several.pull(.init(name: "m", engine: "b:1")).states
        #expect(await pull.reduce(into: [ModelMessage.Pull]()) { $0.append($1) }.last?.state == .done)
    }

    @Test("Prompts can be sent to a model before anybody is told that it is there")
    func changedFirst() async throws {
        let changes = Mutex(0)
        let store = ScriptedStore([], at: ModelPlace(kind: .ollama))
        let models = models([store]) { changes.withLock { $0 += 1 } }
        for await state in try await models.pull(.init(name: "m")).states where state.state == .done {
            #expect(changes.withLock { $0 } == 1)
        }
        #expect(await models.list().pulls.map(\.state) == [.done])
    }

    @Test("A pull for which the disk has no room ends with the numbers, and is told of afterwards")
    func noRoom() async throws {
        let store = ScriptedStore([], at: ModelPlace(kind: .ollama, folder: "/models"))
        let models = models([store], free: 1_000_000_000)
        var last: ModelMessage.Pull?
        for await state in try await models.pull(.init(name: "m")).states { last = state }
        #expect(last?.state == .failed)
        #expect(last?.error?.code == "disk_full")
        #expect(await models.list().pulls.first?.error?.message.contains("5.0 GB more") == true)
        let full = self.models([store], free: 1_000_000)
        #expect(await reason { _ = try await full.pull(.init(name: "m")) } == .diskFull)
    }

    @Test("A provider is asked for its list now and then only, however often somebody looks")
    func providers() async throws {
        let provider = ScriptedStore(
            ["big"], at: ModelPlace(kind: .anthropic, isRemote: true), fixedBecause: "because")
        let near = ScriptedStore(["small"], at: ModelPlace(kind: .ollama))
        let models = models([provider, near])
        for _ in 0..<5 { #expect(await models.list().models.map(\.name) == ["big", "small"]) }
        #expect(provider.listed.withLock { $0 } == 1)
        #expect(near.listed.withLock { $0 } == 5)
        clock.advance(by: EngineWatch.remotePause)
        _ = await models.list()
        #expect(provider.listed.withLock { $0 } == 2)
    }
}
