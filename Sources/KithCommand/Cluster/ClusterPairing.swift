// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// Which nodes of a cluster are still to be paired with its first one. All know each other then: kin introduce kin.
package struct ClusterPairing: Sendable {
    /// Joins under way at once.
    package static let width = 8

    /// Positions in the plan.
    package let unpaired: [Int]

    /// - Parameters:
    ///   - ids: Who the nodes are, in the order of the plan.
    ///   - peers: Whom the first one knows.
    package init(ids: [NodeID], peersOfFirst peers: [NodeStatus.Peer]) {
        let kin = Set(peers.filter { $0.tier == Tier.kin.rawValue }.compactMap(\.id))
        unpaired = ids.indices.dropFirst().filter { !kin.contains(ids[$0].description) }
    }

    /// Why a node does not yet know all the others; `nil` when it does and reaches them.
    package static func fault(of id: NodeID, among ids: [NodeID], peers: [NodeStatus.Peer]) -> String? {
        let states = Dictionary(
            peers.compactMap { peer in peer.id.map { ($0, peer) } }, uniquingKeysWith: { first, _ in first })
        for other in ids where other != id {
            guard let peer = states[other.description] else { return "does not know \(other.short) yet" }
            guard peer.state == "up" else { return "does not reach \(peer.name.printable)" }
        }
        return nil
    }
}
