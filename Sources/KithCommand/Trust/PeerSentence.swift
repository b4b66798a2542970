// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// What a command that changed who is trusted says of it.
package enum PeerSentence {
    package static func joined(_ peer: ControlMessage.Peer) -> [String] {
        ["joined \(peer.name)  \(peer.id)", "it is \(peer.tier.meaning)"]
    }

    package static func renamed(_ peer: ControlMessage.Peer) -> [String] {
        ["\(peer.id.short) is called \(peer.name) here from now on"]
    }

    package static func moved(_ peer: ControlMessage.Peer) -> [String] {
        ["\(peer.name) (\(peer.id.short)) is \(peer.tier.meaning)"]
    }

    package static func forgotten(_ peer: ControlMessage.Peer) -> [String] {
        ["forgot \(peer.name)  \(peer.id)", "to trust it again, pair it anew with kith invite and kith join"]
    }

    /// Before it is done.
    package static func forgetting(_ peer: PeerReference) -> String {
        "\(peer) loses its connections at once and is refused here and by all your other machines from now on"
    }
}
