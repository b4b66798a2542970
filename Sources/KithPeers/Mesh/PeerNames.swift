// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Gives every peer a name that no other has: two nodes may call themselves the same.
struct PeerNames: Sendable {
    /// Stands for something else where peers are named: `/api/peers/nearby`.
    static let reserved = "nearby"

    private var ids: [NodeName: NodeID] = [:]
    private let own: NodeName

    init(own: NodeName) { self.own = own }

    /// - Parameter wanted: What the owner calls it, or what it calls itself.
    mutating func name(for id: NodeID, wanted: NodeName?) -> NodeName {
        let base = wanted ?? Self.provisional(id)
        let name = isFree(base, for: id) ? base : Self.distinct(base, id)
        ids = ids.filter { $0.value != id }
        ids[name] = id
        return name
    }

    mutating func remove(_ id: NodeID) { ids = ids.filter { $0.value != id } }

    private func isFree(_ name: NodeName, for id: NodeID) -> Bool {
        name != own && name.rawValue != Self.reserved && (ids[name] == nil || ids[name] == id)
    }

    private static func distinct(_ name: NodeName, _ id: NodeID) -> NodeName {
        NodeName(name.rawValue.prefix(64 - 8) + "-" + id.short) ?? provisional(id)
    }

    /// Seven characters of the alphabet of ids are always a name.
    private static func provisional(_ id: NodeID) -> NodeName {
        guard let name = NodeName(id.short) else { preconditionFailure("the first group of an id is a name") }
        return name
    }
}
