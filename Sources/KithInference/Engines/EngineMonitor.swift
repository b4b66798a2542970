// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// What is known of this node's engine without asking it.
package struct EngineStatus: Sendable {
    package var kind: EngineKind?
    package var health: EngineHealth
    /// Why this engine was chosen, or why there is none, in words.
    package var reason: String
    /// While it is down, the models that it had.
    package var models: [ModelInfo]
    /// Which of them are in memory; `nil` where it does not say.
    package var resident: [ModelID]?
    /// Whether it has said at least once what it offers.
    package var isListKnown: Bool
    package var slots: Int
    package var active: Int
    package var queued: Int
    /// Requests that may wait at once.
    package var queueLimit: Int

    package init(
        kind: EngineKind?, health: EngineHealth, reason: String, models: [ModelInfo] = [],
        resident: [ModelID]? = nil, isListKnown: Bool = true, slots: Int = 0, active: Int = 0, queued: Int = 0,
        queueLimit: Int = 0
    ) {
        self.kind = kind
        self.health = health
        self.reason = reason
        self.models = models
        self.resident = resident
        self.isListKnown = isListKnown
        self.slots = slots
        self.active = active
        self.queued = queued
        self.queueLimit = queueLimit
    }

    /// Why it does not answer, in a few words; `nil` when it does, or when there is no engine.
    package var whyDown: String? {
        guard kind != nil, case .down(let why) = health else { return nil }
        return why.cut(toBytes: 240)
    }

    /// As routing sees it; a node without an engine is ready with nothing.
    package var engine: NodeSnapshot.EngineState {
        guard kind != nil else { return .ready }
        return switch health {
        case .ready: isListKnown ? .ready : .unknown
        case .loading: .loading
        case .down(let why): .down(why)
        }
    }
}

/// Tells what is known of the engine; never waits.
package protocol EngineStatusSource: Sendable {
    func status() -> EngineStatus

    /// A request names a model that is not known here: the list is read again soon.
    func noteUnknownModel()
}

extension EngineStatusSource {
    package func noteUnknownModel() {}
}

/// Watches an engine, so that its state can be told from memory at any time. ``EngineWatch`` decides when the engine is
/// probed.
package final class EngineMonitor: EngineStatusSource {
    private struct State {
        /// `nil` while there is no engine.
        var watch: EngineWatch?
        var reason: String
        /// Sleeps until the next probe; cancelled when that is due sooner.
        var sleeper: Task<Void, Never>?
    }

    /// When nothing is to be probed.
    private static let never = MonotonicInstant(nanoseconds: .max)

    private let seat: EngineSeat
    private let clock: any TimeSource
    private let state: Mutex<State>
    private let onReturn = Callback<Void>()
    private let onAnswer = Callback<ModelID>()

    /// - Parameter reason: Why the engine in the seat was chosen, or why there is none.
    package init(seat: EngineSeat, reason: String, clock: any TimeSource) {
        self.seat = seat
        self.clock = clock
        state = Mutex(State(watch: seat.engine.map(EngineWatch.init), reason: reason))
        seat.whenHeard { [weak self] sign in self?.heard(sign) }
    }

    /// An engine was found while the node runs.
    package func take(_ engine: LocalEngine, reason: String) {
        seat.take(engine)
        let sleeper = state.withLock { state in
            state.watch = EngineWatch(engine)
            state.reason = reason
            return state.sleeper
        }
        sleeper?.cancel()
    }

    /// - Parameter onReturn: Called each time the engine answers again after it was down; must not wait.
    package func whenReturned(_ onReturn: @escaping @Sendable () -> Void) { self.onReturn.set { onReturn() } }

    /// - Parameter onAnswer: Called with the model of each answer that begins, where that is known; must not wait.
    package func whenAnswered(_ onAnswer: @escaping @Sendable (ModelID) -> Void) { self.onAnswer.set(onAnswer) }

    package func status() -> EngineStatus {
        let (watch, reason) = state.withLock { ($0.watch, $0.reason) }
        guard let local = seat.engine, let known = watch else {
            return EngineStatus(kind: nil, health: .down("no engine"), reason: reason)
        }
        let load = local.load
        return EngineStatus(
            kind: local.engine.kind, health: known.health, reason: reason, models: known.models,
            resident: known.resident, isListKnown: known.isListKnown, slots: local.engine.capacity.slots,
            active: load.running,
            queued: load.waiting, queueLimit: local.engine.capacity.queueLimit)
    }

    /// Asks the engine once, its models too.
    package func refresh() async { await look(readingModels: true) }

    /// Probes again and again until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            guard let next = state.withLock({ $0.watch?.next(now: clock.now) }) else {
                await sleep(until: Self.never)
                continue
            }
            if next.at > clock.now {
                await sleep(until: next.at)
            } else {
                await look(readingModels: next.readsModels)
            }
        }
    }

    // MARK: Events

    /// A request failed, perhaps because of the engine: it is probed at once, but at most once a second.
    package func noteFailure() { change { $0.noteFailure() } }

    package func noteUnknownModel() { change { $0.noteUnknownModel() } }

    /// The engine answered a request.
    ///
    /// - Parameter model: The one that did; `nil` where that is not known.
    package func noteSuccess(by model: ModelID? = nil) {
        let now = clock.now
        let (isBack, sleeper) = state.withLock { state in
            let isBack = state.watch?.noteSuccess(now: now) ?? false
            let isLoaded = model.flatMap { state.watch?.noteAnswer(by: $0) } ?? false
            return (isBack, isLoaded ? state.sleeper : nil)
        }
        sleeper?.cancel()
        if isBack { onReturn(()) }
        if let model { onAnswer(model) }
    }

    private func heard(_ sign: LocalEngine.Sign) {
        switch sign {
        case .answered(let model): noteSuccess(by: model)
        case .failed(let failure):
            let blame = Blame(failure)
            if blame.asksCatalogue { return noteUnknownModel() }
            switch blame.subject {
            case .candidate, .pause: noteFailure()
            case .nobody, .request, .feature, .load, .key: break
            }
        }
    }

    /// Changes what is known, and probes the engine if that is due.
    private func change(_ body: (inout EngineWatch) -> Void) {
        let sleeper = state.withLock { state in
            if var watch = state.watch {
                body(&watch)
                state.watch = watch
            }
            return state.sleeper
        }
        sleeper?.cancel()
    }

    // MARK: Probing

    private func look(readingModels: Bool) async {
        guard let local = seat.engine else { return }
        state.withLock { $0.watch?.began(.init(at: clock.now, readsModels: readingModels)) }
        var health = await local.engine.health()
        var models: [ModelInfo]?
        let resident = health == .ready ? await local.engine.residentModels() : nil
        if health == .ready, readingModels {
            do {
                models = try await local.engine.describedModels()
            } catch {
                health = .down("cannot list its models: \((error as? ChatError)?.message ?? "\(error)")")
            }
        }
        guard !Task.isCancelled else { return }
        let now = clock.now
        let isBack = state.withLock { [health, models] in
            $0.watch?.found(health, models: models, resident: resident, now: now) ?? false
        }
        if isBack { onReturn(()) }
    }

    private func sleep(until moment: MonotonicInstant) async {
        let sleeper = Task { [clock] in _ = try? await clock.sleep(until: moment, tolerance: nil) }
        let isSooner = state.withLock { state in
            state.sleeper = sleeper
            // It was changed before it could be woken.
            return state.watch.map { $0.next(now: clock.now).at < moment } ?? false
        }
        if isSooner { sleeper.cancel() }
        await withTaskCancellationHandler {
            await sleeper.value
        } onCancel: {
            sleeper.cancel()
        }
        state.withLock { $0.sleeper = nil }
    }
}

extension EngineWatch {
    fileprivate init(_ local: LocalEngine) { self.init(cadence: local.engine.isRemote ? .remote : .local) }
}
