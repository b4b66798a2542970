// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithAlerts
import KithModel
import KithSync
import Synchronization

/// What nodes say of alerts, in the state that kin share.
final class AlertStateRegister: Sendable {
    /// All of it, read.
    struct Board: Sendable {
        var statements: [AlertKey: [NodeID: AlertStatement]] = [:]
        var speakers: Set<NodeID> = []
        var silences: [AlertSilence] = []
    }

    private struct Cache {
        var versions: VersionVector
        var board: Board
    }

    private let state: SharedStateStore
    private let node: NodeID
    private let cache = Mutex<Cache?>(nil)

    init(state: SharedStateStore, node: NodeID) {
        self.state = state
        self.node = node
    }

    /// From memory.
    func read() -> Board {
        let versions = state.versions
        if let cached = cache.withLock({ $0?.versions == versions ? $0?.board : nil }) { return cached }
        var board = Board()
        let now = WallTime.now()
        for entry in state.entries(of: .alert) {
            switch AlertRegister(name: entry.name, writer: entry.writtenBy) {
            case .statement(let key, let writer):
                if let statement = AlertStatement(entry.value), statement.isPlausible(at: now) {
                    board.statements[key, default: [:]][writer] = statement
                }
            case .channels(let writer): board.speakers.insert(writer)
            case nil: continue
            }
        }
        board.silences = state.entries(of: .silence).compactMap { AlertSilence(id: $0.name, $0.value) }
        cache.withLock { $0 = Cache(versions: versions, board: board) }
        return board
    }

    /// - Throws: `StateRefusal`.
    func write(_ actions: [MeshAlerts.Action]) async throws(StateRefusal) {
        let changes = actions.compactMap { action -> StateChange? in
            switch action {
            case .write(let key, let statement): change(.statement(key, writer: node), statement?.json)
            case .remove(let key, let writer): change(.statement(key, writer: writer), nil)
            case .send: nil
            }
        }
        if !changes.isEmpty { try await state.write(changes) }
    }

    func setChannels(_ hasChannels: Bool) async throws(StateRefusal) {
        guard let change = change(.channels(writer: node), hasChannels ? true : nil) else { return }
        try await state.write([change])
    }

    private func change(_ register: AlertRegister, _ value: JSONValue?) -> StateChange? {
        RegisterKey(.alert, name: register.name).map { StateChange($0, by: .node(node), value: value) }
    }

    // MARK: Silences

    /// Also removes those that are over.
    func add(_ wish: AlertSilenceWish, now: WallTime) async throws(StateRefusal) -> AlertSilence {
        let known = read().silences
        guard known.filter({ now < $0.until }).count < AlertSilence.limit else {
            throw StateRefusal(.limitReached, "there are \(AlertSilence.limit) silences; remove some first")
        }
        let silence = AlertSilence(
            id: String(UInt32.random(in: .min ... .max), radix: 16), condition: wish.condition, subject: wish.subject,
            until: now.advanced(by: wish.duration), reason: wish.reason, createdAt: now)
        let old = known.filter { $0.until <= now }.map { StateChange(.silence($0.id), by: .node(node), value: nil) }
        try await state.write(old + [StateChange(.silence(silence.id), by: .node(node), value: silence.json)])
        return silence
    }

    /// - Returns: `nil` when there is none.
    func remove(_ id: String) async throws(StateRefusal) -> AlertSilence? {
        guard let silence = read().silences.first(where: { $0.id == id }) else { return nil }
        try await state.write([StateChange(.silence(id), by: .node(node), value: nil)])
        return silence
    }
}
