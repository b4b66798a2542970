// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The state of a member as one node sees it.
package enum MemberState: UInt8, Sendable, Hashable, CaseIterable {
    /// Trusted, perhaps talked about, but not met by this instance of the observer. Leaves to `alive` by direct contact,
    /// to `dead` or `left` by hearsay that the observer's own probe did not contradict.
    case unknown = 0
    /// Leaves to `suspect` when probes fail, to `left` by a goodbye.
    case alive = 1
    /// Leaves to `alive` when the member contradicts or is heard, to `dead` when its time has run out.
    case suspect = 2
    /// Leaves to `alive` by direct contact only.
    case dead = 3
    /// It said goodbye. Leaves to `alive` by direct contact with a later incarnation or instance.
    case left = 4

    /// Whether the member takes part: it is probed in turn and gossip is sent to it.
    package var isPresent: Bool { self == .alive || self == .suspect }
}

/// The state of one member, for routing and for display.
package struct Member: Sendable, Hashable {
    package var id: NodeID
    package var state: MemberState
    /// `nil` until it was met.
    package var instance: InstanceID?
    package var incarnation: Incarnation
    package var payload: [UInt8]
    /// Where it says it can be reached.
    package var addresses: [PeerAddress]
    package var since: MonotonicInstant
    /// When it was last heard itself.
    package var lastHeard: MonotonicInstant?
    /// Weighted mean of recent exchanges.
    package var roundTrip: Duration?
    /// Why it could not be reached, when the last attempt failed.
    package var lastFailure: GossipError?
}

/// A change that was noticed in one member.
package struct MemberEvent: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// Met for the first time.
        case appeared
        /// Heard after it was gone, or as a new instance, or no longer suspected.
        case returned
        case suspected
        case died(DeathReason)
        /// It said goodbye.
        case left
        /// It is no longer trusted.
        case removed
        case payloadChanged
        case addressesChanged
    }

    package enum DeathReason: Sendable, Hashable {
        /// It answered neither this node nor its helpers.
        case silent
        /// Nobody listens at its addresses.
        case refused
        /// It answers and turns this node away.
        case turnedAway(String)
        /// Others found it dead, and it does not answer this node either.
        case reported
    }

    package var id: NodeID
    package var kind: Kind

    package init(id: NodeID, kind: Kind) {
        self.id = id
        self.kind = kind
    }
}
