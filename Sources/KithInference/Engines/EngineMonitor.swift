// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// What is known of this node's engine without asking it.
package struct EngineStatus: Sendable {
    package var kind: EngineKind?
    package var health: EngineHealth
    /// Why this engine was chosen, or why there is none, in words.
    package var reason: String
    package var models: [ModelInfo]
    package var slots: Int
    package var active: Int
    package var queued: Int

    package init(
        kind: EngineKind?, health: EngineHealth, reason: String, models: [ModelInfo] = [], slots: Int = 0,
        active: Int = 0, queued: Int = 0
    ) {
        self.kind = kind
        self.health = health
        self.reason = reason
        self.models = models
        self.slots = slots
        self.active = active
        self.queued = queued
    }
}

/// Tells what is known of the engine; never waits.
package protocol EngineStatusSource: Sendable {
    func status() -> EngineStatus
}

/// Watches an engine, so that whoever asks for its state is answered with what is known.
package final class EngineMonitor: EngineStatusSource {
    package static let pause = Duration.seconds(2)
    package static let pauseWhileLoading = Duration.milliseconds(250)

    private struct Knowledge {
        var health: EngineHealth
        var models: [ModelInfo] = []
    }

    private let local: LocalEngine?
    private let reason: String
    private let clock: any TimeSource
    private let knowledge: Mutex<Knowledge>

    /// - Parameter local: `nil` for a node without an engine.
    package init(local: LocalEngine?, reason: String, clock: any TimeSource) {
        self.local = local
        self.reason = reason
        self.clock = clock
        knowledge = Mutex(Knowledge(health: local == nil ? .down("no engine") : .loading))
    }

    package func status() -> EngineStatus {
        let known = knowledge.withLock { $0 }
        guard let local else { return EngineStatus(kind: nil, health: known.health, reason: reason) }
        let load = local.load
        return EngineStatus(
            kind: local.engine.kind, health: known.health, reason: reason, models: known.models,
            slots: local.engine.capacity.slots, active: load.running, queued: load.waiting)
    }

    /// Asks the engine once.
    package func refresh() async {
        guard let local else { return }
        var found = Knowledge(health: await local.engine.health())
        if found.health == .ready {
            do {
                found.models = try await local.engine.models()
            } catch {
                found.health = .down("cannot list its models: \((error as? ChatFailure)?.message ?? "\(error)")")
            }
        }
        knowledge.withLock { [found] in $0 = found }
    }

    /// Asks again and again until the task is cancelled.
    package func run() async {
        while local != nil, !Task.isCancelled {
            await refresh()
            let pause = status().health == .loading ? Self.pauseWhileLoading : Self.pause
            do { try await clock.sleep(for: pause) } catch { return }
        }
    }
}
