// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel

/// Pairs the nodes of a cluster as kin, each as two people would: an invitation here, a join there.
struct ClusterIntroduction: Sendable {
    private static let attempts = 2

    private let plan: ClusterPlan
    private let clients: [NodeClient]

    /// - Throws: ``CommandFailure`` when a node does not let itself be controlled.
    init(plan: ClusterPlan) throws {
        self.plan = plan
        clients = try plan.instances.map { try RunningNode.require(dataDirectory: $0.directory).client }
    }

    /// Nodes that were paired in an earlier run are left as they are.
    ///
    /// - Returns: Who the nodes are, in the order of the plan.
    /// - Throws: ``CommandFailure``; `CancellationError`.
    func run() async throws -> [NodeID] {
        var ids: [NodeID] = []
        for client in clients { ids.append(try await client.get(ControlMessage.Identity.self, "/api/identity").id) }
        guard let first = clients.first else { return ids }
        let peers = try await first.get(NodeStatus.self, "/api/status").peers
        for round in ClusterPairing(ids: ids, peersOfFirst: peers).rounds { try await run(round) }
        return ids
    }

    /// - Returns: `nil` when the node knows all others and reaches them.
    func fault(of index: Int, among ids: [NodeID]) async throws -> String? {
        let peers = try await clients[index].get(NodeStatus.self, "/api/status").peers
        return ClusterPairing.fault(of: ids[index], among: ids, peers: peers)
    }

    private func run(_ round: [ClusterPairing.Step]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, step) in round.enumerated() {
                if place >= ClusterPairing.width { try await group.next() }
                group.addTask { try await pair(step) }
            }
            try await group.waitForAll()
        }
    }

    private func pair(_ step: ClusterPairing.Step) async throws {
        var attempt = 1
        while true {
            do {
                let invitation: ControlMessage.Invitation = try await clients[step.inviter].post(
                    "/api/invitations", ControlMessage.InvitationRequest(tier: .kin, expiresSeconds: 60))
                let _: ControlMessage.Peer = try await clients[step.joiner].post(
                    "/api/join", ControlMessage.JoinRequest(code: invitation.code))
                return
            } catch let failure as CommandFailure {
                guard attempt < Self.attempts else {
                    throw CommandFailure(
                        .failed, "node \(plan.instances[step.joiner].name) cannot be paired: \(failure.message)")
                }
                attempt += 1
                try await Task.sleep(for: .milliseconds(300))
            }
        }
    }
}
