// SPDX-License-Identifier: Apache-2.0

import KithInference
import KithModel
import KithTesting
import Synchronization
import Testing

@Suite("Several engines of one machine", .timeLimit(.minutes(1)))
struct SeveralEnginesTests {
    /// Lists models, or cannot be asked, and says in its answers which it is.
    private final class Listing: ChatEngine {
        let name: String
        let kind: EngineKind
        let capacity: EngineCapacity
        let listed: Mutex<[ModelInfo]?>
        let state: Mutex<EngineHealth>

        init(
            _ name: String, _ models: [ModelInfo]?, kind: EngineKind = .openAI, slots: Int = 2,
            health: EngineHealth = .ready
        ) {
            self.name = name
            self.kind = kind
            capacity = EngineCapacity(slots: slots, queueLimit: 10)
            listed = Mutex(models)
            state = Mutex(health)
        }

        func models() async throws -> [ModelInfo] {
            guard let models = listed.withLock({ $0 }) else { throw ChatError(.unreachable, "\(name) is away") }
            return models
        }

        func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .anew }

        func health() async -> EngineHealth { state.withLock { $0 } }

        func answer(_ request: ChatRequest) async throws -> ChatAnswer { throw ChatError(.engineError, name) }

        func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer { throw ChatError(.engineError, name) }
    }

    private func info(_ id: ModelID, embeds: Bool = false, chats: Bool = true, elsewhere: Bool = false) -> ModelInfo {
        ModelInfo(id: id, embeds: embeds, chats: chats, runsElsewhere: elsewhere)
    }

    /// Which one is asked.
    private func answerer(_ engine: SeveralEngines, _ model: ModelID?) async throws -> String {
        let request = ChatRequest(model: model, messages: [ChatMessage(.user, "hi")])
        let failure = try await #require(throws: ChatError.self) { _ = try await engine.answer(request) }
        return failure.message
    }

    /// Lists its models, and from then on not before it is cancelled.
    private final class Hanging: ChatEngine {
        let kind = EngineKind.openAI
        let capacity = EngineCapacity(slots: 1, queueLimit: 1)
        private let hangs = Mutex(false)

        func models() async throws -> [ModelInfo] {
            if hangs.withLock({ value in
                defer { value = true }; return value
            }) {
                try await Task.sleep(for: .seconds(3_600))
            }
            return [ModelInfo(id: "slow")]
        }

        func continuationWay(for request: ChatRequest) async throws -> ContinuationWay { .anew }

        func health() async -> EngineHealth { .ready }

        func answer(_ request: ChatRequest) async throws -> ChatAnswer { throw ChatError(.engineError, "slow") }

        func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
            throw ChatError(.engineError, "slow")
        }
    }

    @Test("One that does not list its models in time keeps nobody waiting, and keeps those that it had")
    func hanging() async throws {
        let clock = ManualClock()
        let engine = SeveralEngines([Hanging(), Listing("quick", [info("a")])], clock: clock)
        #expect(try await engine.models().map(\.id) == ["slow", "a"])
        let again = Task { try await engine.models().map(\.id) }
        #expect(await eventually { clock.isAwaited(clock.now + .seconds(3)) })
        clock.advance(by: .seconds(60))
        #expect(try await again.value == ["slow", "a"])
    }

    @Test("Each model is asked of the engine that lists it, under its very name before another that is meant")
    func names() async throws {
        let engine = SeveralEngines([
            Listing("one", [info("a:latest"), info("shared")], kind: .ollama),
            Listing("two", [info("a"), info("shared")]),
        ])
        #expect(try await engine.models().map(\.id) == ["a:latest", "shared", "a"])
        #expect(try await answerer(engine, "a") == "two")
        #expect(try await answerer(engine, "a:latest") == "one")
        #expect(try await answerer(engine, "shared") == "one")
        #expect(try await answerer(engine, "unknown") == "one")
        #expect(engine.kind(for: "a") == .openAI && engine.kind(for: "shared") == .ollama)
    }

    @Test("A prompt that names none goes to the owner's choice, else to the first model for anybody")
    func unnamed() async throws {
        var chosen = info("b")
        chosen.isPreferred = true
        let only = [info("cloud", elsewhere: true), info("embedder", embeds: true, chats: false)]
        let engine = SeveralEngines([Listing("one", only), Listing("two", [info("a")]), Listing("three", [chosen])])
        #expect(try await engine.models().first?.id == "b")
        #expect(try await answerer(engine, nil) == "three")
        let without = SeveralEngines([Listing("one", only), Listing("two", [info("a")])])
        #expect(try await answerer(without, nil) == "two")
    }

    @Test("Texts without a model are embedded where a model embeds")
    func embeddings() async throws {
        let engine = SeveralEngines([Listing("one", [info("a")]), Listing("two", [info("e", embeds: true)])])
        let failure = try await #require(throws: ChatError.self) {
            _ = try await engine.embed(EmbeddingRequest(model: nil, inputs: ["x"]))
        }
        #expect(failure.message == "two")
    }

    @Test("One that cannot be asked takes its own models along, and all of them the whole")
    func away() async throws {
        let (one, two) = (Listing("one", nil), Listing("two", [info("b")]))
        let engine = SeveralEngines([one, two])
        #expect(try await engine.models().map(\.id) == ["b"])
        two.listed.withLock { $0 = nil }
        await #expect(throws: ChatError.self) { try await engine.models() }
        #expect(try await answerer(engine, "b") == "two", "what is known stays known")
    }

    @Test("They are ready as long as one is, and loading as long as one loads")
    func health() async {
        let (one, two) = (Listing("one", [], health: .down("gone")), Listing("two", [], health: .loading))
        let engine = SeveralEngines([one, two])
        #expect(await engine.health() == .loading)
        two.state.withLock { $0 = .ready }
        #expect(await engine.health() == .ready)
        two.state.withLock { $0 = .down("gone too") }
        #expect(await engine.health() == .down("gone"))
    }

    @Test("Each keeps slots of its own: those of one that are taken leave the other's free")
    func slots() async throws {
        let engine = SeveralEngines([
            Listing("one", [info("a")], slots: 1), Listing("two", [info("b")], slots: 3),
        ])
        _ = try await engine.models()
        #expect(engine.parts.map(\.slots) == [1, 3] && engine.capacity == EngineCapacity(slots: 4, queueLimit: 20))
        #expect(engine.part(for: "a") == 0 && engine.part(for: "b") == 1)
        let local = LocalEngine(engine: engine, clock: ManualClock())
        #expect(local.load == (0, 0))
    }

    @Test("None is no engine, and one is itself")
    func few() {
        let one = Listing("one", [])
        #expect(SeveralEngines.one(of: []) == nil)
        #expect(SeveralEngines.one(of: [one]) as? Listing === one)
        #expect(SeveralEngines.one(of: [one, one]) is SeveralEngines)
    }
}
