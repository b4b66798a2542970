// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Which model of this machine is kept in memory, or loaded before it is asked for: a pure value.
///
/// A model is loaded only while no other is in memory, so that the engine, which has limits of its own, never unloads one for it;
/// and only a model that was asked for again and again is kept or loaded, so that nobody has many of them loaded by asking once
/// for each.
package struct LoadAhead: Sendable {
    package enum Action: Hashable, Sendable {
        /// It is in memory and in use, and its time there is nearly over.
        case keep(ModelID)
        /// Memory is empty, and this is what is asked for most.
        case load(ModelID)

        package var model: ModelID {
            switch self {
            case .keep(let model), .load(let model): model
            }
        }
    }

    /// How the machine is when it is decided.
    package struct Surroundings: Sendable {
        /// Those of the engines that can load; `nil` when one of them could not be asked.
        package var models: [KeptModel]?
        /// `nil` where it was not measured: then nothing is loaded.
        package var machine: MachineFacts?
        package var isPaused: Bool
        /// Whether a model is being loaded or got.
        package var isLoading: Bool

        package init(models: [KeptModel]?, machine: MachineFacts?, isPaused: Bool, isLoading: Bool) {
            self.models = models
            self.machine = machine
            self.isPaused = isPaused
            self.isLoading = isLoading
        }
    }

    /// How often a model was asked for, halved every hour.
    private struct Use: Sendable {
        var weight: Double
        /// When the weight was true.
        var at: MonotonicInstant
        /// When it was counted last.
        var countedAt: MonotonicInstant

        func weight(now: MonotonicInstant) -> Double {
            weight * ExponentialDecay.left(after: now - at, halfLife: LoadAhead.halfLife)
        }
    }

    /// For which a model is kept, or loaded.
    package static let stay = Duration.seconds(900)
    /// A model whose time is over within this is kept: longer than between two decisions.
    package static let notice = Duration.seconds(90)
    /// Requests of one minute count once: a program that asks a hundred times has asked once.
    package static let countPause = Duration.seconds(60)
    /// What makes a model one that is in use: three times within some twenty minutes, since each weighs less with time.
    package static let leastWeight = 2.5
    /// What counts at most, so that none stays for a day because it was used for a day.
    package static let mostWeight = 12.0
    package static let halfLife = Duration.seconds(3_600)
    /// Between two models that are loaded.
    package static let loadPause = Duration.seconds(300)
    /// Models that are counted.
    package static let capacity = 64
    /// This share of the machine's memory is left free.
    private static let reserve = 10

    private var uses: [ModelID: Use] = [:]
    private var loadedAt: MonotonicInstant?

    package init() {}

    // MARK: Events

    /// A model has answered a request.
    package mutating func answered(_ model: ModelID, now: MonotonicInstant) {
        if let use = uses[model] {
            guard now - use.countedAt >= Self.countPause else { return }
            uses[model] = Use(weight: min(use.weight(now: now) + 1, Self.mostWeight), at: now, countedAt: now)
            return
        }
        if uses.count >= Self.capacity,
            let least = uses.min(by: { $0.value.weight(now: now) < $1.value.weight(now: now) })
        {
            uses[least.key] = nil
        }
        uses[model] = Use(weight: 1, at: now, countedAt: now)
    }

    /// What was decided is being done. A model that is loaded and then not asked for counts for half each time.
    package mutating func began(_ action: Action, now: MonotonicInstant) {
        guard case .load(let model) = action else { return }
        loadedAt = now
        uses[model].map { uses[model] = Use(weight: $0.weight(now: now) / 2, at: now, countedAt: $0.countedAt) }
    }

    // MARK: Deciding

    /// - Parameter time: What the engines' clock says, by which they tell how long a model stays.
    package func decide(_ surroundings: Surroundings, now: MonotonicInstant, time: WallTime) -> Action? {
        guard let models = surroundings.models, let machine = surroundings.machine, let memory = machine.memory,
            machine.battery?.isInUse != true, !surroundings.isPaused, !surroundings.isLoading,
            memory.free >= memory.total / Self.reserve
        else { return nil }
        let inUse = models.filter { weight(of: $0.id, now: now) >= Self.leastWeight }
            .sorted { weight(of: $0.id, now: now) > weight(of: $1.id, now: now) }
        if let kept = inUse.first(where: { Self.isLeaving($0, time: time) }) { return .keep(kept.id) }
        let isEmpty = models.allSatisfy { $0.residency == .onDisk || $0.residency == .elsewhere }
        guard isEmpty, loadedAt.map({ now - $0 >= Self.loadPause }) ?? true else { return nil }
        return inUse.first { $0.residency == .onDisk && Self.hasRoom(for: $0, machine, memory) }.map { .load($0.id) }
    }

    private func weight(of model: ModelID, now: MonotonicInstant) -> Double { uses[model]?.weight(now: now) ?? 0 }

    private static func isLeaving(_ model: KeptModel, time: WallTime) -> Bool {
        guard model.residency == .loaded, case .until(let end) = model.stays else { return false }
        return end.milliseconds - time.milliseconds < Int64(notice.milliseconds)
    }

    private static func hasRoom(for model: KeptModel, _ machine: MachineFacts, _ memory: MachineFacts.Memory) -> Bool {
        model.bytes.map { machine.missing(forWeights: $0.saturatingAdding(memory.total / reserve)) == nil } ?? false
    }
}
