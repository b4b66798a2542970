// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTrust

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

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
            guard operations.count < TrustLedger.batchLimit else {
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
