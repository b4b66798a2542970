// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel
package import Logging
import Synchronization

/// The models of this node's engines, as its owner sees and changes them.
///
/// All methods throw ``ModelRefusal``, or `CancellationError`, and nothing else.
package final class NodeModels: Sendable {
    /// For one engine to say what it has.
    static let listLimit = Duration.seconds(3)
    /// At once; each may take an engine minutes.
    private static let loadLimit = 4

    /// What one engine said.
    struct Look: Sendable {
        let store: any ModelStore
        let kept: Result<[KeptModel], ModelRefusal>
    }

    private struct RemotePlace: Hashable {
        var number: Int
        var place: ModelPlace
    }

    private struct State {
        /// The look that is under way, by its number: many may look at once.
        var looking: (number: Int, task: Task<[Look], Never>)?
        var looks = 0
        /// What providers said, by their places among the engines: they are asked seldom.
        var remote: [RemotePlace: (at: MonotonicInstant, kept: [KeptModel])] = [:]
        var loading: [ModelID: Int] = [:]
    }

    let node: NodeName
    package var nodeName: String { node.rawValue }
    let clock: any TimeSource
    let logger: Logger
    /// Bytes that the models of one engine may take; `nil` for as many as there are.
    let budget: Int?
    let freeBytes: @Sendable (String) -> Int?
    private let seat: EngineSeat
    private let status: any EngineStatusSource
    private let onChange: @Sendable () async -> Void
    private let state = Mutex(State())
    let pulls = RunningPulls()
    /// Pieces of weights that are being sent to other machines.
    let sending = Atomic(0)
    /// Of the files that are sent, and of those that have come.
    let seals: WeightsSeals
    /// Where weights lie until they are whole; `nil` for a node that takes none from others.
    let arrivals: String?

    /// - Parameters:
    ///   - folder: Where weights from other machines come to lie; `nil` for a node that takes none.
    ///   - budget: Bytes that the models of one engine may take together; `nil` for as many as there are.
    ///   - freeBytes: What is free on the disk of a folder; `nil` when unknown.
    ///   - onChange: Called after a model has come or gone; prompts for it are sent here, or not, when it has returned.
    package init(
        node: NodeName, seat: EngineSeat, status: any EngineStatusSource, folder: String? = nil, budget: Int? = nil,
        freeBytes: @escaping @Sendable (String) -> Int? = DiskSpace.free(at:), clock: any TimeSource, logger: Logger,
        onChange: @escaping @Sendable () async -> Void
    ) {
        self.node = node
        self.seat = seat
        self.status = status
        seals = WeightsSeals(
            folder: folder.map { $0 + "/seals" }, clock: clock, logger: logger, isAnswering: { seat.isAnswering })
        arrivals = folder.map { $0 + "/arriving" }
        self.budget = budget
        self.freeBytes = freeBytes
        self.clock = clock
        self.logger = logger
        self.onChange = onChange
    }

    /// All models of all engines; an engine that cannot be asked is named with the reason. Returns within four seconds.
    package func list() async -> ModelMessage.List {
        let looks = await look(.joining)
        var list = ModelMessage.List(pulls: pulls.all(now: clock.now).map(message))
        let infos = status.status().models
        for look in looks {
            var engine = ModelMessage.Engine(node: node.rawValue, look.store.place)
            engine.fixedBecause = look.store.fixedBecause
            engine.freeBytes = look.store.place.folder.flatMap(freeBytes)
            if look.store.fixedBecause == nil { engine.budgetBytes = budget }
            switch look.kept {
            case .success(let kept):
                list.models += kept.map { message($0, at: look.store.place, infos) }
                // It came behind the back of the node: prompts may be sent to it soon.
                if kept.contains(where: { model in !infos.contains { $0.id == model.id } }) {
                    status.noteUnknownModel()
                }
            case .failure(let refusal): engine.problem = refusal.message
            }
            list.engines.append(engine)
        }
        list.models = Array(list.models.prefix(ModelMessage.limit))
        return list
    }

    package func show(_ name: String, engine: String? = nil) async throws -> ModelMessage.Model {
        let found = try await find(name, engine: engine, .joining)
        return message(found.model, at: found.store.place, status.status().models)
    }

    /// Loads a model; returns when it is in memory.
    ///
    /// - Parameter stay: How long it stays without being asked; `nil` for as long as nobody unloads it.
    package func load(_ name: String, engine: String? = nil, for stay: Duration? = nil) async throws {
        let found = try await findToChange(name, engine: engine)
        let model = found.model.id
        if found.store.keepsOneLoaded, found.model.residency != .loaded, let running = seat.engine?.running(for: model),
            running > 0
        {
            throw ModelRefusal(
                .inUse,
                "\(found.store.place.words) has one model in memory, which is answering prompts; wait until it has")
        }
        let mayLoad = state.withLock { state in
            guard state.loading.values.reduce(0, +) < Self.loadLimit else { return false }
            state.loading[model, default: 0] += 1
            return true
        }
        guard mayLoad else {
            throw ModelRefusal(.busy, "\(Self.loadLimit) models are being loaded already; try again when one is there")
        }
        defer {
            state.withLock { state in
                let left = state.loading[model, default: 1] - 1
                state.loading[model] = left > 0 ? left : nil
                state.looking = nil
            }
        }
        try await changing { try await found.store.load(model, for: stay) }
        // What it serves is another one now: prompts have to be sent by that.
        if found.store.keepsOneLoaded { await changed() }
    }

    /// As routing knows them.
    var known: [ModelInfo] { status.status().models }

    /// Whether a model is being loaded, or got.
    var isLoading: Bool { state.withLock { !$0.loading.isEmpty } || keepsAwake }

    package func unload(_ name: String, engine: String? = nil) async throws {
        let found = try await findToChange(name, engine: engine)
        try await changing { try await found.store.unload(found.model.id) }
        state.withLock { $0.looking = nil }
    }

    /// Takes a model off the disk.
    ///
    /// - Parameter isForced: Also one that is in use, or that the settings name.
    package func remove(_ name: String, engine: String? = nil, isForced: Bool) async throws {
        let found = try await findToChange(name, engine: engine)
        let model = found.model.id
        if let refusal = Removal.refusal(
            of: found.model, running: seat.engine?.running(for: model) ?? 0,
            isPulling: pulls.underWay(model) != nil, isForced: isForced)
        {
            throw refusal
        }
        try await changing { try await found.store.remove(model) }
        logger.notice("model removed", metadata: ["model": "\(model)", "engine": "\(found.store.place.words)"])
        await changed()
    }

    /// Gives a model a second name.
    package func copy(_ name: String, as newName: String, engine: String? = nil) async throws {
        let found = try await findToChange(name, engine: engine)
        try Self.requirePullable(newName)
        let wanted = ModelID(newName)
        if try await look(.anew).contains(where: { try $0.kept.get().contains { $0.id.isMeant(by: wanted) } }) {
            throw ModelRefusal(.nameTaken, "there is a model \(newName) already; remove it first, or take another name")
        }
        try await changing { try await found.store.copy(found.model.id, as: wanted) }
        await changed()
    }

    /// A model came or went.
    func changed() async {
        state.withLock { $0.looking = nil }
        await onChange()
    }

    // MARK: Finding

    private func message(_ kept: KeptModel, at place: ModelPlace, _ infos: [ModelInfo]) -> ModelMessage.Model {
        var kept = kept
        let isLoading = state.withLock { $0.loading[kept.id] != nil }
        if isLoading, kept.residency != .loaded { kept.residency = .loading }
        return ModelMessage.Model(node: node.rawValue, kept, at: place, infos.first { $0.id == kept.id })
    }

    struct Found: Sendable {
        var store: any ModelStore
        var model: KeptModel
    }

    private func findToChange(_ name: String, engine: String?) async throws -> Found {
        let found = try await find(name, engine: engine, .anew)
        guard let reason = found.store.fixedBecause else { return found }
        throw ModelRefusal(.fixedModels, "\(found.model.id) cannot be changed at \(found.store.place.words): \(reason)")
    }

    func find(_ name: String, engine: String?, _ looking: Looking) async throws -> Found {
        guard ModelName.isListable(name) else {
            throw ModelRefusal(.badName, "a model's name has 1 to \(ModelName.longest) bytes")
        }
        let looks = try Self.those(of: await look(looking), meantBy: engine)
        let wanted = ModelID(name)
        let all = looks.flatMap { look in
            ((try? look.kept.get()) ?? []).map { Found(store: look.store, model: $0) }
        }
        let fitting = [all.filter { $0.model.id == wanted }, all.filter { $0.model.id.isMeant(by: wanted) }]
            .first { !$0.isEmpty }
        // Of a model that several have, the one that can be changed is meant.
        if let found = fitting?.first(where: { $0.store.fixedBecause == nil }) ?? fitting?.first { return found }
        for look in looks { _ = try look.kept.get() }
        let near = NameSuggestion.nearest(to: name, among: all.map(\.model.id.rawValue), limit: 4)
        throw ModelRefusal(
            .unknownModel,
            "there is no model '\(HarmlessText(name, limit: 80))' on \(node)"
                + (near.map { "; did you mean \($0)?" } ?? "; kith model list shows those there are"))
    }

    static func those(of looks: [Look], meantBy engine: String?) throws(ModelRefusal) -> [Look] {
        guard !looks.isEmpty else {
            throw ModelRefusal(
                .noEngine,
                "this node has no engine: start Ollama, which gets models, or kith engine install, which brings a small one"
            )
        }
        guard let engine else { return looks }
        let meant = looks.filter { $0.store.place.isMeant(by: engine) }
        guard meant.isEmpty else { return meant }
        let names = looks.map(\.store.place.words).joined(separator: ", ")
        throw ModelRefusal(.noEngine, "no engine here is '\(HarmlessText(engine, limit: 80))'; there is \(names)")
    }

    static func requirePullable(_ name: String) throws(ModelRefusal) {
        guard !ModelName.isPullable(name) else { return }
        throw ModelRefusal(
            .badName,
            "'\(HarmlessText(name, limit: 80))' is no name of a model: it has letters, digits and . _ - : / @ +, as in llama3.2:3b"
        )
    }

    enum Looking: Sendable {
        /// A look that somebody else has begun is good enough.
        case joining
        case anew
    }

    /// Asks all engines at once.
    func look(_ looking: Looking) async -> [Look] {
        let task = state.withLock { state in
            if looking == .joining, let known = state.looking { return known.task }
            state.looks += 1
            // Shared by those who ask at the same time, and so nobody's child.
            let task = Task { [number = state.looks] in
                defer { self.ended(look: number) }
                return await lookNow()
            }
            state.looking = (state.looks, task)
            return task
        }
        return await task.value
    }

    private func ended(look number: Int) {
        state.withLock { if $0.looking?.number == number { $0.looking = nil } }
    }

    private func lookNow() async -> [Look] {
        let stores = seat.engine?.engine.modelStores ?? []
        return await withTaskGroup(of: (Int, Look).self) { group in
            for (place, store) in stores.enumerated() {
                group.addTask { [self] in (place, Look(store: store, kept: await kept(by: store, number: place))) }
            }
            var looks: [(Int, Look)] = []
            for await look in group { looks.append(look) }
            return looks.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func kept(by store: any ModelStore, number: Int) async -> Result<[KeptModel], ModelRefusal> {
        guard store.place.isRemote else { return await Self.kept(by: store, clock) }
        let place = RemotePlace(number: number, place: store.place)
        let now = clock.now
        if let known = state.withLock({ $0.remote[place] }), now - known.at < EngineWatch.remotePause {
            return .success(known.kept)
        }
        let found = await Self.kept(by: store, clock)
        if case .success(let kept) = found { state.withLock { $0.remote[place] = (now, kept) } }
        return found
    }

    private static func kept(by store: any ModelStore, _ clock: any TimeSource) async -> Result<
        [KeptModel], ModelRefusal
    > {
        do {
            let kept = try await withDeadline(clock.now + listLimit, clock: clock) { try await store.kept() }
            return .success(Array(kept.filter { ModelName.isListable($0.id.rawValue) }.prefix(ModelMessage.limit)))
        } catch let failure as ChatError {
            return .failure(ModelRefusal(.engineFailed, failure.message))
        } catch {
            return .failure(ModelRefusal(.engineFailed, "\(store.place.words) did not list its models in time"))
        }
    }

    /// Puts an engine's errors into the owner's terms.
    private func changing(_ change: () async throws -> Void) async throws {
        do {
            try await change()
        } catch let failure as ChatError {
            throw ModelRefusal(failure)
        }
    }
}
