// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import Logging
import Synchronization

/// Does what ``LoadAhead`` decides, by the same orders that an owner gives.
package final class ModelWarmer: Sendable {
    /// Between two decisions.
    package static let pause = Duration.seconds(30)

    private let models: NodeModels
    private let machine: @Sendable () -> MachineFacts?
    private let isPaused: @Sendable () -> Bool
    private let clock: any TimeSource
    private let logger: Logger
    private let state = Mutex(LoadAhead())

    /// - Parameters:
    ///   - machine: As measured last; must not wait.
    ///   - isPaused: Whether new prompts are to go elsewhere; must not wait.
    package init(
        models: NodeModels, machine: @escaping @Sendable () -> MachineFacts?, isPaused: @escaping @Sendable () -> Bool,
        clock: any TimeSource, logger: Logger
    ) {
        self.models = models
        self.machine = machine
        self.isPaused = isPaused
        self.clock = clock
        self.logger = logger
    }

    /// A model of this node has answered a request. Never waits.
    package func answered(_ model: ModelID) {
        let now = clock.now
        state.withLock { $0.answered(model, now: now) }
    }

    /// What would be done now; nothing is done.
    package func next() async -> LoadAhead.Action? {
        let surroundings = LoadAhead.Surroundings(
            models: await models.loadable(), machine: machine(), isPaused: isPaused(), isLoading: models.isLoading)
        let now = clock.now
        return state.withLock { $0.decide(surroundings, now: now, time: .now()) }
    }

    /// Runs until cancelled.
    package func run() async {
        while !Task.isCancelled {
            if let action = await next() { await perform(action) }
            do { try await clock.sleep(forAbout: Self.pause) } catch { return }
        }
    }

    private func perform(_ action: LoadAhead.Action) async {
        let now = clock.now
        state.withLock { $0.began(action, now: now) }
        do {
            try await models.load(action.model.rawValue, for: LoadAhead.stay)
            if case .load(let model) = action { logger.info("model loaded ahead", metadata: ["model": "\(model)"]) }
        } catch is CancellationError {
        } catch {
            logger.info("model not loaded ahead", metadata: ["model": "\(action.model)", "reason": "\(error)"])
        }
    }
}

extension NodeModels {
    /// The models of the engines that can load; `nil` when one of them could not be asked. Sizes only of those that this machine
    /// itself would load.
    func loadable() async -> [KeptModel]? {
        let looks = await look(.joining).filter { $0.store.fixedBecause == nil }
        let kept = looks.compactMap { try? $0.kept.get() }
        guard kept.count == looks.count else { return nil }
        let sizes = Dictionary(known.map { ($0.id, $0.bytes) }) { first, _ in first }
        return kept.flatMap(\.self).map { model in
            var model = model
            model.bytes = sizes[model.id] ?? nil
            return model
        }
    }
}
