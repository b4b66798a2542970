// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A change that was noticed in one member.
package struct MemberEvent: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// Met for the first time.
        case appeared
        /// Heard after it was gone, or in a new life, or no longer suspected.
        case returned
        case suspected
        case died(DeathReason)
        /// It said goodbye.
        case left
        /// It is trusted no more.
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
