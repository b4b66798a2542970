// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What one node sends to another in one go; who sent it is known from the channel.
package struct GossipPacket: Hashable, Sendable {
    /// More bytes are neither made nor read.
    package static let byteLimit = 65_536
    package static let recordLimit = 512
    package static let messageLimit = 64

    /// What the sender says of itself in every packet.
    package struct Header: Hashable, Sendable {
        package var instance: InstanceID
        package var incarnation: Incarnation
        /// The sender has said goodbye.
        package var isLeaving: Bool
        package var declarationVersion: UInt64

        package init(
            instance: InstanceID, incarnation: Incarnation, isLeaving: Bool = false, declarationVersion: UInt64 = 0
        ) {
            self.instance = instance
            self.incarnation = incarnation
            self.isLeaving = isLeaving
            self.declarationVersion = declarationVersion
        }
    }

    package var header: Header
    package var messages: [GossipMessage]
    package var records: [MemberRecord]

    package init(header: Header, messages: [GossipMessage] = [], records: [MemberRecord] = []) {
        self.header = header
        self.messages = messages
        self.records = records
    }
}

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
    /// Two instances of one node are running at the same time, most likely on a copied data folder.
    case cloneNotice(CloneSighting)

    /// Whether it asks for nothing.
    package var isAnswer: Bool {
        switch self {
        case .acknowledgement, .negative, .cloneNotice: true
        case .ping, .pingRequest, .describeYourself, .digest, .differences: false
        }
    }
}

/// Why bytes are not a packet.
package enum GossipPacketError: Error, Hashable, Sendable {
    case tooLong
    case cutShort
    case notGossip
    /// The sender speaks these versions of the protocol only.
    case unknownVersion(ClosedRange<UInt8>)
    case tooMany
    case malformed
}
