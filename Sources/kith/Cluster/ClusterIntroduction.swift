// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel

/// Pairs the nodes of a cluster as kin, each as two people would: an invitation here, a join there.
struct ClusterIntroduction: Sendable {
    private static let longestPause = Duration.seconds(5)

    private let plan: ClusterPlan
    private let deadline: ContinuousClock.Instant
    private let clients: [NodeClient]

    /// - Throws: ``CommandFailure`` when a node does not let itself be controlled.
    init(plan: ClusterPlan, deadline: ContinuousClock.Instant) throws {
        self.plan = plan
        self.deadline = deadline
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
        try await pair(ClusterPairing(ids: ids, peersOfFirst: peers).joiners, invitedBy: first)
        return ids
    }

    /// - Returns: `nil` when the node knows all others and reaches them.
    func fault(of index: Int, among ids: [NodeID]) async throws -> String? {
        let peers = try await clients[index].get(NodeStatus.self, "/api/status").peers
        return ClusterPairing.fault(of: ids[index], among: ids, peers: peers)
    }

    private func pair(_ joiners: [Int], invitedBy inviter: NodeClient) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, joiner) in joiners.enumerated() {
                if place >= ClusterPairing.concurrency { try await group.next() }
                group.addTask { try await pair(joiner, invitedBy: inviter) }
            }
            try await group.waitForAll()
        }
    }

    private func pair(_ joiner: Int, invitedBy inviter: NodeClient) async throws {
        var pause = Duration.milliseconds(500)
        while true {
            do {
                let invitation: ControlMessage.Invitation = try await inviter.post(
                    "/api/invitations", ControlMessage.InvitationRequest(tier: .kin, expiresSeconds: 60))
                let _: ControlMessage.Peer = try await clients[joiner].post(
                    "/api/join", ControlMessage.JoinRequest(code: invitation.code))
                return
            } catch let failure as CommandFailure {
                // Many nodes that start on one machine may have no time for each other at first.
                guard ContinuousClock.now + pause < deadline else {
                    throw CommandFailure(
                        .failed, "node \(plan.instances[joiner].name) cannot be paired: \(failure.message)")
                }
                try await Task.sleep(for: pause)
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }
}
