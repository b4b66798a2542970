// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How one member stands, for whoever routes to it or shows it.
package struct Member: Sendable, Hashable {
    package var id: NodeID
    package var state: MemberState
    /// `nil` until it was met.
    package var instance: InstanceID?
    package var incarnation: Incarnation
    package var payload: [UInt8]
    /// What it says of where it is.
    package var addresses: [PeerAddress]
    package var since: Moment
    /// When it was last heard itself.
    package var lastHeard: Moment?
    /// Weighted mean of recent exchanges.
    package var roundTrip: Duration?
    /// Why it could not be reached, when the last attempt failed.
    package var lastFailure: GossipFailure?
}
