// SPDX-License-Identifier: Apache-2.0

import KithMembership
package import KithModel
package import KithTrust
import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Synchronises what kin know about who is kin: each learns from the other what it lacks.
struct OperationsSync: Sendable {
    static let limit = Duration.seconds(5)
    /// Exchanges with one kin that lacks more than one message holds.
    private static let roundLimit = 16

    let trust: TrustStore
    let links: PeerLinks
    let membership: MembershipService
    let logger: Logger

    /// Exchanges with all of these kin in parallel; one that hangs delays no other.
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
            var answer = try await ask(trust.question(), on: link)
            for _ in 0..<Self.roundLimit {
                let isNews = try await trust.take(answer)
                let lacking = trust.lacking(in: answer)
                guard isNews || lacking != nil else { break }
                let before = answer.versions
                answer = try await ask(lacking ?? trust.question(), on: link)
                // Without news on either side another round would say the same.
                guard answer.versions != before || isNews else { break }
            }
        } catch {
            // They meet again, or exchange the same with another kin.
            logger.debug("operations not exchanged", metadata: ["peer": "\(id.short)", "reason": "\(error)"])
        }
    }

    private func ask(_ message: OperationsMessage, on link: PeerLink) async throws -> OperationsMessage {
        try await link.exchange(message, PeerWire.operationsPath, for: OperationsMessage.self, limit: Self.limit)
    }
}

/// What kin say to each other about who is kin: the body of `POST /peer/v1/operations` and of its answer.
package struct OperationsMessage: Codable, Sendable {
    private struct Operation: Codable {
        var author: NodeID
        var sequence: UInt64
        var bytes: Data
    }

    /// What this side holds.
    package var versions: TrustVersions
    /// What the other side may lack.
    package var operations: [SignedOperation]

    package init(versions: TrustVersions, operations: [SignedOperation] = []) {
        self.versions = versions
        self.operations = operations
    }

    private enum CodingKeys: String, CodingKey { case versions, operations }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        versions = try container.decode(TrustVersions.self, forKey: .versions)
        var list = try container.nestedUnkeyedContainer(forKey: .operations)
        operations = []
        while !list.isAtEnd {
            guard operations.count < TrustLog.batchLimit else {
                throw DecodingError.dataCorruptedError(in: list, debugDescription: "too many operations")
            }
            let operation = try list.decode(Operation.self)
            operations.append(
                SignedOperation(
                    author: operation.author, sequence: operation.sequence, bytes: [UInt8](operation.bytes)))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(versions, forKey: .versions)
        try container.encode(
            operations.map { Operation(author: $0.author, sequence: $0.sequence, bytes: Data($0.bytes)) },
            forKey: .operations)
    }
}
