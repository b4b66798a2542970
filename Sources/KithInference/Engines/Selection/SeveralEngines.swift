// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// Several engines of one machine as one: the name of a model says which of them answers.
///
/// Each keeps slots of its own (``parts``), so that one that is busy keeps nobody from another. Of a model that several have, the
/// first one's counts.
package final class SeveralEngines: ChatEngine {
    /// For one to list its models: a slow one must not keep the others from being used.
    private static let listLimit = Duration.seconds(3)

    private let members: [any ChatEngine]
    private let clock: any TimeSource
    /// What each listed last; empty for one that could not be asked.
    private let known: Mutex<[[ModelInfo]]>

    /// - Parameter members: At least one; those first that are preferred for prompts which name no model.
    package init(_ members: [any ChatEngine], clock: any TimeSource = MonotonicClock()) {
        self.members = members
        self.clock = clock
        known = Mutex(members.map { _ in [] })
    }

    /// - Returns: `nil` for none, and the engine itself where there is one.
    package static func one(of engines: [any ChatEngine]) -> (any ChatEngine)? {
        engines.count > 1 ? SeveralEngines(engines) : engines.first
    }

    package var kind: EngineKind { members[0].kind }

    package var isRemote: Bool { members.allSatisfy(\.isRemote) }

    package var capacity: EngineCapacity {
        EngineCapacity(
            slots: parts.reduce(0) { $0 + $1.slots }, queueLimit: parts.reduce(0) { $0 + $1.queueLimit })
    }

    package var parts: [EngineCapacity] { members.map(\.capacity) }

    package var modelStores: [any ModelStore] { members.flatMap(\.modelStores) }

    package func kind(for model: ModelID?) -> EngineKind { members[part(for: model)].kind }

    package func part(for model: ModelID?) -> Int {
        known.withLock { Self.part(for: model, in: $0) }
    }

    /// The first that lists it under this very name, then one that lists what is meant; for `nil` one that the owner's choice is
    /// at, then the first that answers anybody's prompts.
    static func part(for model: ModelID?, in lists: [[ModelInfo]]) -> Int {
        guard let model else {
            return lists.firstIndex { $0.contains(where: \.isPreferred) }
                ?? lists.firstIndex { $0.contains(where: \.isForAnybody) } ?? 0
        }
        return lists.firstIndex { $0.contains { $0.id == model } }
            ?? lists.firstIndex { $0.contains { $0.id.isMeant(by: model) } } ?? 0
    }

    /// One that does not list its models in time keeps those that it had.
    package func models() async throws -> [ModelInfo] {
        let before = known.withLock { $0 }
        let lists = await each { [clock] engine -> Result<[ModelInfo], any Error> in
            do {
                return .success(
                    try await withDeadline(clock.now + Self.listLimit, clock: clock) {
                        try await engine.describedModels()
                    })
            } catch {
                return .failure(error)
            }
        }
        let listed = zip(lists, before).map { list, before -> [ModelInfo] in
            switch list {
            case .success(let models): models
            case .failure(is DeadlineExceeded): before
            case .failure: []
            }
        }
        if listed.allSatisfy(\.isEmpty), lists.allSatisfy({ (try? $0.get()) == nil }) {
            do { return try lists[0].get() } catch is DeadlineExceeded {
                throw ChatError(.timeout, "it did not list its models in time")
            }
        }
        known.withLock { $0 = listed }
        return Self.merged(listed)
    }

    /// Each name once, and the owner's choice first.
    static func merged(_ lists: [[ModelInfo]]) -> [ModelInfo] {
        var seen: Set<ModelID> = []
        let all = lists.joined().filter { seen.insert($0.id).inserted }
        return all.filter(\.isPreferred) + all.filter { !$0.isPreferred }
    }

    /// Ready as long as one is.
    package func health() async -> EngineHealth {
        let states = await each { await $0.health() }
        if states.contains(.ready) { return .ready }
        return states.contains(.loading) ? .loading : states[0]
    }

    /// All models of those that do not say count as being in memory.
    package func residentModels() async -> [ModelID]? {
        let told = await each { await $0.residentModels() }
        guard told.contains(where: { $0 != nil }) else { return nil }
        let listed = known.withLock { $0 }
        return zip(told, listed).flatMap { told, listed in told ?? listed.map(\.id) }
    }

    package func continuationWay(for request: ChatRequest) async throws -> ContinuationWay {
        try await member(for: request.model).continuationWay(for: request)
    }

    package func answer(_ request: ChatRequest) async throws -> ChatAnswer {
        try await member(for: request.model).answer(request)
    }

    package func embed(_ request: EmbeddingRequest) async throws -> EmbeddingAnswer {
        guard request.model == nil else { return try await member(for: request.model).embed(request) }
        _ = try await member(for: nil)
        let place = known.withLock { $0.firstIndex { $0.contains(where: \.embeds) } }
        return try await members[place ?? 0].embed(request)
    }

    package func promptTokens(of request: ChatRequest) async throws -> Int? {
        try await member(for: request.model).promptTokens(of: request)
    }

    package func passThrough(_ request: PassThroughRequest) async throws -> PassThroughAnswer {
        try await member(for: request.model).passThrough(request)
    }

    private func member(for model: ModelID?) async throws -> any ChatEngine {
        if known.withLock({ $0.allSatisfy(\.isEmpty) }) { _ = try await models() }
        return members[part(for: model)]
    }

    /// Asks all at once.
    private func each<Value: Sendable>(_ ask: @escaping @Sendable (any ChatEngine) async -> Value) async -> [Value] {
        await withTaskGroup(of: (Int, Value).self) { group in
            for (place, engine) in members.enumerated() { group.addTask { (place, await ask(engine)) } }
            var answers: [(Int, Value)] = []
            for await answer in group { answers.append(answer) }
            return answers.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
