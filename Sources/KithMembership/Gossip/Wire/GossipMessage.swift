// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Ties an answer to its question; each node counts its own.
package struct SequenceNumber: Hashable, Sendable {
    package let number: UInt64

    package init(number: UInt64) { self.number = number }

    package var next: SequenceNumber { SequenceNumber(number: number &+ 1) }
}

/// One thing that a packet asks or answers, beside the records that it carries.
package enum GossipMessage: Hashable, Sendable {
    /// Asks for an `acknowledgement` with the same number.
    case ping(SequenceNumber)
    case acknowledgement(SequenceNumber)
    /// The receiver of a `pingRequest` has not heard from the target either, but is well itself (Lifeguard, section IV-A).
    case negative(SequenceNumber)
    /// Asks the receiver to ping a third node and to pass on its acknowledgement.
    case pingRequest(SequenceNumber, target: NodeID)
    /// Asks for the sender's own declaration.
    case describeYourself
    /// The records are all that the sender knows, without declarations. Asks for `differences`.
    case digest
    /// The records are those in which a digest and the sender differ: with declaration where the sender knows more, without
    /// one where it wants to be told more.
    case differences
    /// Two lives of one node are running at the same time, most likely on a copied data folder.
    case cloneNotice(CloneSighting)

    /// Whether it asks for nothing.
    package var isAnswer: Bool {
        switch self {
        case .acknowledgement, .negative, .cloneNotice: true
        case .ping, .pingRequest, .describeYourself, .digest, .differences: false
        }
    }
}
