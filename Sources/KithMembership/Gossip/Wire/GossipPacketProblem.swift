// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a packet.
package enum GossipPacketProblem: Error, Hashable, Sendable {
    case tooLong
    case cutShort
    case notGossip
    /// The sender speaks these versions of the protocol only.
    case unknownVersion(ClosedRange<UInt8>)
    case tooMany
    case malformed
}
