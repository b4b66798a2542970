// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel

/// Waits until the nodes of a cluster can be used: paired, able to answer a prompt, and in touch with each other.
struct ClusterReadiness: Sendable {
    /// Which node cannot be used, and why.
    struct Fault: Sendable {
        var instance: ClusterPlan.Instance
        var reason: String
    }

    var plan: ClusterPlan
    var deadline: ContinuousClock.Instant

    /// - Returns: `nil` when all nodes can be used; or else why one could not be by the deadline.
    /// - Throws: `CancellationError`.
    func run() async throws -> Fault? {
        for instance in plan.instances {
            let reason = try await last { try await silence(of: instance) }
            if let reason { return Fault(instance: instance, reason: reason) }
        }
        guard let first = plan.instances.first else { return nil }
        do {
            let introduction = try ClusterIntroduction(plan: plan, deadline: deadline)
            let ids = try await introduction.run()
            for (index, instance) in plan.instances.enumerated() {
                let reason = try await last {
                    if let reason = try await weakness(of: instance) { return reason }
                    return try await introduction.fault(of: index, among: ids)
                }
                if let reason { return Fault(instance: instance, reason: reason) }
            }
        } catch let failure as CommandError {
            return Fault(instance: first, reason: "cannot be joined with the others: \(failure.message)")
        }
        return nil
    }

    /// Asks until there is no fault, or the deadline has passed.
    private func last(_ fault: () async throws -> String?) async throws -> String? {
        while true {
            let reason: String?
            do {
                reason = try await fault()
            } catch let failure as ChatError {
                reason = "does not answer: \(failure.message)"
            } catch let failure as CommandError {
                reason = "does not answer: \(failure.message)"
            }
            guard let reason else { return nil }
            guard ContinuousClock.now < deadline else { return reason }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func silence(of instance: ClusterPlan.Instance) async throws -> String? {
        let answer = try await NodeClient(address: instance.address).probe("/health/live")
        guard answer.status == 200 else { return "does not live: \(answer.reason)" }
        let node = try RunningNode(dataDirectory: instance.directory)
        return node == nil ? "cannot be controlled yet" : nil
    }

    private func weakness(of instance: ClusterPlan.Instance) async throws -> String? {
        // Where no node has an engine, none is ever ready; then it is enough that each is running.
        guard plan.instances.contains(where: \.hasEngine) else { return nil }
        let answer = try await NodeClient(address: instance.address).probe("/health/ready")
        return answer.status == 200 ? nil : "is not ready: \(answer.reason)"
    }
}

/// Pairs the nodes of a cluster as kin, each as two people would: an invitation here, a join there.
struct ClusterIntroduction: Sendable {
    private let plan: ClusterPlan
    private let deadline: ContinuousClock.Instant
    private let clients: [NodeClient]

    /// - Throws: `CommandError` when a node cannot be controlled.
    init(plan: ClusterPlan, deadline: ContinuousClock.Instant) throws {
        self.plan = plan
        self.deadline = deadline
        clients = try plan.instances.map { try RunningNode.require(dataDirectory: $0.directory).client }
    }

    /// Nodes that were paired in an earlier run are left as they are.
    ///
    /// - Returns: The ids of the nodes, in the order of the plan.
    /// - Throws: `CommandError`; `CancellationError`.
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
        var backoff = Backoff(initial: .milliseconds(500), maximum: .seconds(5))
        while true {
            do {
                let invitation: ControlMessage.Invitation = try await inviter.post(
                    "/api/invitations", ControlMessage.InvitationRequest(tier: .kin, expiresSeconds: 60))
                let _: ControlMessage.Peer = try await clients[joiner].post(
                    "/api/join", ControlMessage.JoinRequest(code: invitation.code))
                return
            } catch let failure as CommandError {
                // Many nodes that start on one machine may be too busy for each other at first.
                let pause = backoff.next()
                guard ContinuousClock.now + pause < deadline else {
                    throw CommandError(
                        .failed, "node \(plan.instances[joiner].name) cannot be paired: \(failure.message)")
                }
                try await Task.sleep(for: pause)
            }
        }
    }
}
