// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
package import Logging
import Synchronization

/// The registry of a running node: the value, the time, and where it is kept.
package final class RegistryService: Sendable {
    /// How often entries are saved while cells come and go.
    static let saveInterval = Duration.seconds(5)
    /// How often they are saved while there are only heartbeats: often enough to be restored.
    static let heartbeatSaveInterval = Duration.seconds(60)

    /// What has happened since the entries were saved.
    enum Change: Int {
        case nothing, heartbeat, entries
    }

    private struct State {
        var registry: Registry
        var change = Change.nothing
        var savedAt: MonotonicInstant
    }

    private let state: Mutex<State>
    private let storage: (any RegistryStorage)?
    private let clock: any TimeSource
    private let logger: Logger
    private let startedAt: MonotonicInstant

    package init(
        rules: RegistryAddressRules = RegistryAddressRules(), storage: (any RegistryStorage)? = nil,
        clock: any TimeSource = MonotonicClock(), logger: Logger
    ) {
        state = Mutex(State(registry: Registry(rules: rules), savedAt: clock.now))
        self.storage = storage
        self.clock = clock
        self.logger = logger
        startedAt = clock.now
    }

    var uptime: Duration { clock.now - startedAt }

    /// Restores what an earlier instance saved. Must be called before the port is opened.
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
            state.withLock { if $0.registry.expire(at: now) { $0.change = .entries } }
            await save(isLast: false)
        }
        // A task of its own, because a store may refuse to work for a cancelled one.
        await Task { await save(isLast: true) }.value
    }

    /// The cells that have not expired, by id.
    package func cells() -> [CellInfo] { state.withLock { $0.registry.cells(at: clock.now) } }

    func change<Outcome>(
        _ change: Change, _ body: (inout Registry, MonotonicInstant, WallTime) -> Outcome
    ) -> Outcome {
        let (now, wall) = (clock.now, WallTime.now())
        return state.withLock { state in
            if state.change.rawValue < change.rawValue { state.change = change }
            return body(&state.registry, now, wall)
        }
    }

    private func save(isLast: Bool) async {
        guard let storage else { return }
        let now = clock.now
        let saved = state.withLock { state -> (change: Change, entries: [Registry.Entry])? in
            let isDue =
                switch state.change {
                case .nothing: false
                case .heartbeat: isLast || now - state.savedAt >= Self.heartbeatSaveInterval
                case .entries: true
                }
            guard isDue else { return nil }
            defer { (state.change, state.savedAt) = (.nothing, now) }
            return (state.change, state.registry.entries(at: now))
        }
        guard let saved else { return }
        do {
            try await storage.save(try RegistryArchive.bytes(of: saved.entries, savedAt: .now()))
        } catch {
            state.withLock { if $0.change.rawValue < saved.change.rawValue { $0.change = saved.change } }
            logger.error("registry not saved", metadata: ["reason": "\(error)"])
        }
    }
}

/// Where a registry keeps its entries between two instances of the node.
package protocol RegistryStorage: Sendable {
    /// - Returns: What was saved last; `nil` when nothing was.
    /// - Throws: When it cannot be read; the registry begins empty then.
    func load() async throws -> [UInt8]?

    /// Replaces what was saved, as a whole or not at all.
    ///
    /// - Throws: When it cannot be saved; the registry tries again later.
    func save(_ bytes: [UInt8]) async throws
}

/// A registry's entries as they are saved, in JSON.
enum RegistryArchive {
    private struct Entry: Encodable {
        var cell: CellBody
        var owner: RegistryOwner
    }

    private struct Archive: Encodable {
        var saved_at: WallTime
        var entries: [Entry]
    }

    private struct ReadEntry: Decodable {
        var cell: JSONValue
        var owner: RegistryOwner
    }

    private struct ReadArchive: Decodable {
        var saved_at: WallTime
        var entries: [ReadEntry]
    }

    /// - Throws: `EncodingError` for a number that JSON cannot hold, which no registry has.
    static func bytes(of entries: [Registry.Entry], savedAt: WallTime) throws -> [UInt8] {
        try JSONBody.encode(
            Archive(
                saved_at: savedAt, entries: entries.map { Entry(cell: CellBody($0.cell), owner: $0.owner) }))
    }

    /// - Throws: `ChatError` for what is no archive. Single cells that cannot be used are left out.
    static func read(_ bytes: [UInt8]) throws -> (entries: [Registry.Entry], savedAt: WallTime) {
        let archive = try JSONBody.decode(ReadArchive.self, from: bytes)
        let entries = archive.entries.compactMap { entry -> Registry.Entry? in
            guard let cell = try? CellInfo(body: entry.cell) else { return nil }
            return Registry.Entry(cell: cell, owner: entry.owner)
        }
        return (entries, archive.saved_at)
    }
}
