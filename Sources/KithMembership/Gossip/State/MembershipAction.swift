// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What the value asks its shell to do.
package enum MembershipAction: Sendable, Hashable {
    /// Send as a request of its own; what comes back within the timeout is to be handed in as a response.
    case send(GossipPacket, to: NodeID, timeout: Duration)
    /// Send as the response to the request that was handed in; at most one for each.
    case reply(GossipPacket)
    case changed(MemberEvent)
    /// Two copies of a node are running; at most once a minute for each pair.
    case cloned(CloneSighting)
}
