// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithMembership
import Logging

/// Brings what kin know of who is kin into step: each learns from the other what it lacks.
struct OperationsSync: Sendable {
    static let limit = Duration.seconds(5)

    let trust: TrustBook
    let links: PeerLinks
    let membership: MembershipService
    let logger: Logger

    /// With all of these kin, side by side; one that hangs delays no other.
    func run(with kin: [NodeID]) async {
        await withDiscardingTaskGroup { group in
            for id in kin {
                group.addTask { await run(with: id) }
            }
        }
    }

    private func run(with id: NodeID) async {
        do {
            let link = try await links.link(to: id, at: membership.addresses(of: id))
            let answer = try await ask(trust.question(), on: link)
            try await trust.take(answer)
            if let lacking = trust.lacking(in: answer) { try await trust.take(try await ask(lacking, on: link)) }
        } catch {
            // They meet again, or exchange the same with another kin.
            logger.debug("operations not exchanged", metadata: ["peer": "\(id.short)", "reason": "\(error)"])
        }
    }

    private func ask(_ message: OperationsMessage, on link: PeerLink) async throws -> OperationsMessage {
        try await link.exchange(message, PeerWire.operationsPath, for: OperationsMessage.self, limit: Self.limit)
    }
}
