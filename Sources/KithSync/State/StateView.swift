// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import Synchronization

/// What is seen of the shared state: only what is on disk.
struct StateView: Sendable {
    private(set) var shown: [RegisterKey: [Operation]] = [:]
    private(set) var versions: VersionVector
    private(set) var operations = 0
    private(set) var quarantined = 0
    /// Nodes whose logs are known, with how much is kept of each.
    private(set) var authors: [NodeID: (logs: Int, operations: Int)] = [:]

    init(_ log: borrowing ReplicatedLog) {
        versions = log.versions
        shown = log.shown
        note(log)
    }

    /// - Returns: The registers that read differently now.
    mutating func update(_ changed: Set<RegisterKey>, from log: borrowing ReplicatedLog) -> [RegisterKey] {
        note(log)
        return changed.sorted().filter { register in
            let values = log.values(of: register)
            let before = shown[register] ?? []
            guard values != before else { return false }
            shown[register] = values.isEmpty ? nil : values
            return true
        }
    }

    private mutating func note(_ log: borrowing ReplicatedLog) {
        versions = log.versions
        operations = log.count
        quarantined = log.quarantined
        authors = log.authors
    }

    // MARK: Reading

    func level(of source: StateSource) -> LevelEntry? { entry(.level(source), source: source) }

    var levels: [LevelEntry] {
        shown.keys.compactMap { register in
            guard case .level(let source) = register else { return nil }
            return entry(register, source: source)
        }.sorted { $0.source < $1.source }
    }

    var context: [ContextEntry] {
        shown.keys.compactMap(contextEntry).sorted { $0.key < $1.key }
    }

    /// `nil` for a register of another kind, and for one that holds no value.
    func contextEntry(_ register: RegisterKey) -> ContextEntry? {
        guard case .context(let key) = register else { return nil }
        let values = (shown[register] ?? []).compactMap { operation in
            value(of: operation).map {
                ContextEntry.Value(
                    value: $0, source: operation.source, writtenAt: operation.time.wall,
                    writtenBy: operation.id.replica.node)
            }
        }
        return values.isEmpty ? nil : ContextEntry(key: key, values: values)
    }

    /// What stands in the registers of a kind, in no order.
    func entries(of kind: RegisterKey.Kind) -> [SharedEntry] {
        shown.compactMap { register, operations in
            guard register.kind == kind, let operation = operations.first, let value = value(of: operation) else {
                return nil
            }
            return SharedEntry(name: register.name, value: value, writtenBy: operation.id.replica.node)
        }
    }

    var insights: [Insight] { shown.keys.compactMap(insight) }

    /// Merges values whose writers did not know of each other.
    func insight(_ register: RegisterKey) -> Insight? {
        guard case .insight(let name) = register else { return nil }
        let written = (shown[register] ?? []).compactMap { operation in
            operation.value.flatMap { try? JSONBody.decode(InsightMessage.self, from: $0) }?.insight
        }.filter { $0.id.rawValue == name }
        return written.dropFirst().reduce(written.first) { $0?.merged(with: $1) }
    }

    private func entry(_ register: RegisterKey, source: StateSource) -> LevelEntry? {
        guard let operation = shown[register]?.first, let level = Self.level(value(of: operation)) else { return nil }
        return LevelEntry(
            source: source, level: level, writtenAt: operation.time.wall, writtenBy: operation.id.replica.node)
    }

    /// `nil` when a kin wrote something that is not JSON.
    private func value(of operation: Operation) -> JSONValue? {
        operation.value.flatMap { try? JSONBody.decode(JSONValue.self, from: $0) }
    }

    /// - Returns: `nil` for anything but a number from 0 to 10.
    static func level(_ value: JSONValue?) -> Double? {
        value?.doubleValue.flatMap { (0...10).contains($0) ? $0 : nil }
    }
}

/// The one view of a node; read from any thread, replaced by what has reached the disk.
final class SharedView: Sendable {
    private let view: Mutex<StateView>
    private let events: EventHub

    init(_ view: StateView, events: EventHub) {
        self.view = Mutex(view)
        self.events = events
    }

    func read<Value>(_ reading: (borrowing StateView) -> sending Value) -> sending Value {
        view.withLock { reading($0) }
    }

    func update(_ outcome: LogOutcome, _ log: borrowing ReplicatedLog) {
        let events = view.withLock { view in
            view.update(outcome.changed, from: log).map { view.event(about: $0) }
        }
        for case let event? in events { self.events.publish(event) }
    }
}

extension StateView {
    /// What followers are told about a register.
    fileprivate func event(about register: RegisterKey) -> NodeEvent? {
        switch register {
        case .level(let source):
            let entry = level(of: source)
            return NodeEvent(
                .level,
                [
                    "source": .string(source.text), "level": entry.map { .number($0.level) } ?? .null,
                    "node": entry.map { .string($0.writtenBy.description) } ?? .null,
                ])
        case .context(let key):
            let values = contextEntry(register)?.values ?? []
            return NodeEvent(
                .context,
                [
                    "key": .string(key), "conflict": .bool(values.count > 1),
                    "values": .array(
                        values.map {
                            [
                                "value": $0.value, "source": .string($0.source.text),
                                "node": .string($0.writtenBy.description), "written_at": .string($0.writtenAt.rfc3339),
                            ]
                        }),
                ])
        case .insight(let id):
            let insight = insight(register).map(InsightMessage.init)
            return NodeEvent(
                .insight,
                [
                    "id": .string(id), "standing": insight.map { .string($0.standing) } ?? .null,
                    "text": insight.map { .string($0.text) } ?? .null,
                ])
        // What a node says of an alert is not yet one: it has an event of its own.
        case .alert, .silence: return nil
        }
    }
}
