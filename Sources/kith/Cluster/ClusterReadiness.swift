// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithModel

/// Waits until the nodes of a cluster are of use: paired, able to answer a prompt, and in touch with each other.
struct ClusterReadiness: Sendable {
    /// Which node is not of use, and why.
    struct Fault: Sendable {
        var instance: ClusterPlan.Instance
        var reason: String
    }

    var plan: ClusterPlan
    var deadline: ContinuousClock.Instant

    /// - Returns: `nil` when all nodes are of use; why one is not, when it was not until the deadline.
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
        } catch let failure as CommandFailure {
            return Fault(instance: first, reason: "cannot be joined with the others: \(failure.message)")
        }
        return nil
    }

    /// Asks until there is nothing amiss, or the time is over.
    private func last(_ fault: () async throws -> String?) async throws -> String? {
        while true {
            let reason: String?
            do {
                reason = try await fault()
            } catch let failure as ChatFailure {
                reason = "does not answer: \(failure.message)"
            } catch let failure as CommandFailure {
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
        // Where no node has an engine, none is ever ready, and to be there is all that is asked.
        guard plan.instances.contains(where: \.hasEngine) else { return nil }
        let answer = try await NodeClient(address: instance.address).probe("/health/ready")
        return answer.status == 200 ? nil : "is not ready: \(answer.reason)"
    }
}
