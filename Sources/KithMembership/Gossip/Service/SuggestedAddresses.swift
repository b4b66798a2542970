// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Where discovery saw nodes, apart from what they say themselves: bounded, the latest first.
struct SuggestedAddresses: Sendable {
    static let perNode = 8
    static let nodes = 1_024

    private var addresses: [NodeID: [PeerAddress]] = [:]
    /// The nodes in the order in which they were first suggested.
    private var order: [NodeID] = []

    subscript(id: NodeID) -> [PeerAddress] { addresses[id] ?? [] }

    /// - Returns: Whether there is an address among them that was not known.
    mutating func add(_ suggested: [PeerAddress], for id: NodeID) -> Bool {
        guard !suggested.isEmpty else { return false }
        let known = addresses[id] ?? []
        if addresses[id] == nil {
            if order.count >= Self.nodes { addresses[order.removeFirst()] = nil }
            order.append(id)
        }
        var merged: [PeerAddress] = []
        for address in suggested + known where !merged.contains(address) && merged.count < Self.perNode {
            merged.append(address)
        }
        addresses[id] = merged
        return suggested.contains { !known.contains($0) }
    }
}
