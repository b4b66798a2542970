// SPDX-License-Identifier: Apache-2.0

package import KithModel
import KithTrust

/// What is known of who is trusted no more.
extension TrustStore {
    /// A node that was forgotten.
    package struct Forgotten: Sendable {
        package var id: NodeID
        /// Who said so.
        package var by: Set<NodeID>
        /// Its statements that still count: by them it introduced others before.
        package var statements: Int
    }

    /// By id.
    package func forgotten() -> [Forgotten] {
        let log = log
        return log.resolution.forgotten.filter { log.resolution.admitted.contains($0.key) }
            .map { Forgotten(id: $0.key, by: $0.value, statements: Int(log.lastSequence(of: $0.key))) }
            .sorted { $0.id < $1.id }
    }

    /// Who is kin by the word of this node alone: whoever would not be if it had stated nothing.
    package func introduced(by id: NodeID) -> Set<NodeID> {
        let log = log
        return Set(log.resolution.kin.keys).subtracting(log.resolved(without: id).kin.keys).subtracting([id])
    }

    /// Authors in the ledger that are no kin, with how many statements are kept of each.
    package func otherAuthors() -> [NodeID: Int] {
        let log = log
        return log.authors.filter { $0.key != log.root && log.resolution.kin[$0.key] == nil }
    }
}
