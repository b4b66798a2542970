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
