// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// Which nodes of a cluster the first one is still to be paired with. All know each other then: kin introduce kin.
package struct ClusterPairing: Sendable {
    /// Joins under way at once: each makes both sides speak with all kin, on a machine that carries all nodes.
    package static let concurrency = 4

    /// By their positions in the plan.
    package let joiners: [Int]

    /// - Parameters:
    ///   - ids: Who the nodes are, in the order of the plan.
    ///   - peers: Whom the first one knows.
    package init(ids: [NodeID], peersOfFirst peers: [NodeStatus.Peer]) {
        let kin = Set(peers.filter { $0.tier == Tier.kin.rawValue }.compactMap(\.id))
        joiners = ids.indices.dropFirst().filter { !kin.contains(ids[$0].description) }
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
