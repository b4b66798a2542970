// SPDX-License-Identifier: Apache-2.0

/// Something that was not said to a peer, for the owner to read.
package struct RefusalRecord: Hashable, Sendable {
    package var at: WallTime
    /// The name or the address of the peer.
    package var peer: String
    package var reason: SharingRefusal.Reason
    package var text: String

    package init(at: WallTime, peer: String, reason: SharingRefusal.Reason, text: String) {
        self.at = at
        self.peer = peer
        self.reason = reason
        self.text = text
    }
}
