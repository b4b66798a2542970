// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Carries packets to peers, over a channel that proves who they are.
package protocol GossipTransport: Sendable {
    /// Sends a packet and waits for what the peer answers.
    ///
    /// - Parameters:
    ///   - addresses: Where it may be, the likeliest first; may be empty, and the transport may know better ones.
    ///   - timeout: For everything together, connecting included. The call must have returned when it has passed, and soon
    ///     after the task is cancelled.
    /// - Throws: ``GossipError/refused`` only when each address answered that nobody listens there.
    func exchange(
        _ packet: [UInt8], with id: NodeID, addresses: [PeerAddress], timeout: Duration
    ) async throws(GossipError) -> GossipAnswer
}

/// What a peer answered to a packet.
package struct GossipAnswer: Sendable, Hashable {
    /// `nil` when the peer accepted the packet and has nothing to say.
    package var packet: [UInt8]?
    /// From the packet to the answer on an established channel; making one takes longer, and says nothing about the path.
    package var roundTrip: Duration

    package init(packet: [UInt8]?, roundTrip: Duration) {
        self.packet = packet
        self.roundTrip = roundTrip
    }
}

/// Why a packet could not be exchanged.
package enum GossipError: Error, Sendable, Hashable {
    /// At every known address the machine answered that nobody listens.
    case refused
    /// There is no address, or no way to any.
    case unreachable
    case timeout
    /// The peer was reached and does not talk to this node: it does not trust it, or speaks another version.
    case refusedByPeer(reason: String)
}
