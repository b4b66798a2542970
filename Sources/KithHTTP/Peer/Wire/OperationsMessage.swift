// SPDX-License-Identifier: Apache-2.0

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// What kin say to each other about who is kin: the body of `POST /peer/v1/operations` and of its answer.
package struct OperationsMessage: Codable, Sendable {
    /// The highest sequence number of each author that this side holds without a gap.
    package var vector: [String: UInt64]
    /// What the other side may lack, each in base64.
    package var operations: [Data]

    package init(vector: [String: UInt64], operations: [Data]) {
        self.vector = vector
        self.operations = operations
    }
}
