// SPDX-License-Identifier: Apache-2.0

package import KithMembership
package import KithModel
package import Logging
import Synchronization

/// The registry of a running node: the value, the time, and where it is kept.
package final class RegistryService: Sendable {
    /// How often entries are saved while they change.
    static let saveInterval = Duration.seconds(5)

    private struct State {
        var registry: Registry
        var isDirty = false
    }

    private let state: Mutex<State>
    private let storage: (any RegistryStorage)?
    private let clock: any TimeSource
    private let logger: Logger

    package init(
        rules: RegistryAddressRules = RegistryAddressRules(), storage: (any RegistryStorage)? = nil,
        clock: any TimeSource = MonotonicClock(), logger: Logger
    ) {
        state = Mutex(State(registry: Registry(rules: rules)))
        self.storage = storage
        self.clock = clock
        self.logger = logger
    }

    /// Takes up what an earlier life saved. To be called before the port is opened.
    package func restore() async {
        guard let storage else { return }
        do {
            guard let bytes = try await storage.load() else { return }
            let (entries, savedAt) = try RegistryArchive.read(bytes)
            state.withLock { $0.registry.restore(entries, savedAt: savedAt, at: clock.now, wall: .now()) }
        } catch {
            logger.warning("registry begins empty", metadata: ["reason": "\(error)"])
        }
    }

    /// Expires and saves entries until cancelled, and saves once more then.
    package func run() async {
        while true {
            do {
                try await clock.sleep(until: clock.now + Self.saveInterval, tolerance: .seconds(1))
            } catch { break }
            let now = clock.now
            state.withLock { if $0.registry.expire(at: now) { $0.isDirty = true } }
            await save()
        }
        await save()
    }

    /// The cells that have not expired, by id.
    package func cells() -> [CellInfo] { state.withLock { $0.registry.cells(at: clock.now) } }

    func change<Outcome>(_ body: (inout Registry, Moment, WallTime) -> Outcome) -> Outcome {
        let (now, wall) = (clock.now, WallTime.now())
        return state.withLock { state in
            state.isDirty = true
            return body(&state.registry, now, wall)
        }
    }

    private func save() async {
        guard let storage else { return }
        let now = clock.now
        let entries = state.withLock { state -> [Registry.Entry]? in
            defer { state.isDirty = false }
            return state.isDirty ? state.registry.entries(at: now) : nil
        }
        guard let entries else { return }
        do {
            try await storage.save(try RegistryArchive.bytes(of: entries, savedAt: .now()))
        } catch {
            state.withLock { $0.isDirty = true }
            logger.error("registry not saved", metadata: ["reason": "\(error)"])
        }
    }
}
