// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// One statement of a node about who is kin, to be signed and passed on among kin.
package struct TrustOperation: Hashable, Sendable {
    package enum Statement: Hashable, Sendable {
        /// The subject is kin, from this epoch on.
        case admit(epoch: UInt64, introduction: PairingIntroduction)
        /// The subject is no longer kin: admissions up to this epoch are void, and what the subject itself stated after
        /// its operation number `lastAccepted` does not count.
        case forget(epoch: UInt64, lastAccepted: UInt64)
    }

    /// The greatest epoch; nobody forgets and pairs the same node again so often.
    package static let epochLimit: UInt64 = 1_000_000
    /// The greatest number that an author gives an operation.
    package static let sequenceLimit: UInt64 = 2_000

    package let author: NodePublicKey
    /// Counted by the author from 1, without gaps.
    package let sequence: UInt64
    package let subject: NodeID
    package let statement: Statement
    /// When it was said, by the author's clock. For show: nothing is decided by it.
    package let saidAt: WallTime

    package init(
        author: NodePublicKey, sequence: UInt64, subject: NodeID, statement: Statement, saidAt: WallTime
    ) {
        self.author = author
        self.sequence = sequence
        self.subject = subject
        self.statement = statement
        self.saidAt = saidAt
    }

    package var epoch: UInt64 {
        switch statement {
        case .admit(let epoch, _), .forget(let epoch, _): epoch
        }
    }

    /// Whether its numbers are in range, and it admits somebody else than its author: nobody vouches for itself.
    var isSound: Bool {
        guard (1...Self.sequenceLimit).contains(sequence), (1...Self.epochLimit).contains(epoch) else { return false }
        if case .admit = statement { return subject != author.id }
        return true
    }
}
