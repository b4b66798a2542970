// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel

/// Waits until the nodes of a cluster are of use: each would answer a prompt, and knows that the others are there.
struct ClusterReadiness: Sendable {
    var plan: ClusterPlan
    var deadline: ContinuousClock.Instant

    /// - Returns: `nil` when the node is of use; why it is not, when it was not until the deadline.
    func awaitAnswer(of instance: ClusterPlan.Instance) async throws -> String? {
        let client = NodeClient(address: instance.address)
        while true {
            guard let reason = try await fault(of: client) else { return nil }
            guard ContinuousClock.now < deadline else { return reason }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func fault(of client: NodeClient) async throws -> String? {
        do {
            // Where no node has an engine, none is ever ready, and to be there is all that is asked.
            let hasEngine = plan.instances.contains(where: \.hasEngine)
            let answer = try await client.probe(hasEngine ? "/health/ready" : "/health/live")
            guard answer.status == 200 else { return "is not ready: \(answer.reason)" }
            let others = Set(plan.instances.map(\.address.description))
            let status = try await client.get(NodeStatus.self, "/api/status")
            let silent = status.peers.first { others.contains($0.address) && ["down", "unknown"].contains($0.state) }
            return silent.map { "does not reach \($0.address)" }
        } catch let failure as ChatFailure {
            return "does not answer: \(failure.message)"
        } catch let failure as CommandFailure {
            return "does not answer: \(failure.message)"
        }
    }
}
