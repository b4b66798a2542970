// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithPeers

extension StateMessage.ContextEntry {
    init(_ entry: ContextEntry, names: NodeNames) {
        self.init(
            key: entry.key, isConflict: entry.isConflict,
            values: entry.values.map { StateMessage.ContextValue($0, names: names) })
    }
}

extension StateMessage.ContextValue {
    init(_ value: ContextEntry.Value, names: NodeNames) {
        self.init(
            value: value.value, source: value.source.text, sourceName: names.name(of: value.source),
            writtenAt: value.writtenAt.rfc3339, node: names.text(for: value.writtenBy))
    }
}

extension StateMessage.Level {
    init(_ entry: LevelEntry, names: NodeNames) {
        self.init(
            source: entry.source.text, name: names.name(of: entry.source), level: entry.level,
            writtenAt: entry.writtenAt.rfc3339, node: names.text(for: entry.writtenBy))
    }
}

/// What nodes are called here at the moment.
struct NodeNames: Sendable {
    private let names: [NodeID: String]

    init(_ names: [NodeID: String]) { self.names = names }

    init(_ services: NodeServices) {
        var names = [services.mesh.ownID: services.name.rawValue]
        for peer in services.mesh.peers() {
            if let id = peer.id { names[id] = peer.name.rawValue }
        }
        self.init(names)
    }

    /// `nil` for a node that is not known.
    func name(of id: NodeID) -> String? { names[id] }

    /// The name, or the id of a node that is not known.
    func text(for id: NodeID) -> String { names[id] ?? id.description }

    /// `nil` for a client, and for a node that is not known.
    func name(of source: StateSource) -> String? {
        if case .node(let id) = source { names[id] } else { nil }
    }
}

extension NodeServices {
    /// Stands for the node that is asked.
    static let selfSource = "self"

    /// In whose name something is to be written.
    ///
    /// - Parameter text: A client's name, `self`, or this node's id; without it the node itself.
    /// - Throws: `ControlError` for what cannot be a name, and for another node's id: every node speaks for itself.
    func writer(_ text: String?) throws -> StateSource {
        let own = StateSource.node(mesh.ownID)
        guard let text, text != Self.selfSource else { return own }
        let source = try source(text)
        guard case .node = source, source != own else { return source }
        throw ControlError(.invalid, "'source' is the id of another node, which speaks for itself; ask that node")
    }

    /// The source that something belongs to.
    ///
    /// - Parameter text: A client's name, `self`, or a node's id.
    /// - Throws: `ControlError` for what cannot be a name.
    func source(_ text: String) throws -> StateSource {
        if text == Self.selfSource { return .node(mesh.ownID) }
        guard let source = StateSource(text) else {
            throw ControlError(
                .invalid, "'source' must have 1 to \(StateSource.nameLimit) bytes and no control characters")
        }
        return source
    }
}
