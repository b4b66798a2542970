// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// How the nodes of a cluster are still to be paired. All know each other then: kin introduce kin.
///
/// A node admits ten attempts a minute from one address, and all nodes of a cluster have the same. So no node invites more
/// than ``width`` others, and those that have joined invite the next.
package struct ClusterPairing: Sendable {
    /// One invitation and one join, by positions in the plan.
    package struct Step: Hashable, Sendable {
        package var inviter: Int
        package var joiner: Int

        package init(inviter: Int, joiner: Int) {
            self.inviter = inviter
            self.joiner = joiner
        }
    }

    /// Others that one node invites, and joins under way at once.
    package static let width = 8

    /// Each round needs those before it to be done.
    package let rounds: [[Step]]

    /// - Parameters:
    ///   - ids: Who the nodes are, in the order of the plan.
    ///   - peers: Whom the first one knows.
    package init(ids: [NodeID], peersOfFirst peers: [NodeStatus.Peer]) {
        let kin = Set(peers.filter { $0.tier == Tier.kin.rawValue }.compactMap(\.id))
        var rounds: [[Step]] = []
        var depths = [0]
        for joiner in ids.indices.dropFirst() {
            let inviter = (joiner - 1) / Self.width
            depths.append(depths[inviter] + 1)
            if kin.contains(ids[joiner].description) { continue }
            while rounds.count < depths[joiner] { rounds.append([]) }
            rounds[depths[joiner] - 1].append(Step(inviter: inviter, joiner: joiner))
        }
        self.rounds = rounds.filter { !$0.isEmpty }
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
