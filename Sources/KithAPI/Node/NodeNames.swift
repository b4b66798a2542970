// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithPeers

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
