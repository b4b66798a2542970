// SPDX-License-Identifier: Apache-2.0

/// Why a node does not do what another asks of it on the peer port; the body of a 403 is `{"refused": …, "message": …}`.
package struct PeerRefusal: Error, Codable, Hashable, Sendable {
    package enum Reason: String, Codable, Sendable {
        /// Never paired; may only pair.
        case stranger
        /// Was paired once and has been forgotten.
        case forgotten
        /// Paired as kith, and this is for kin.
        case kinOnly = "kin_only"
        /// Speaks no version of the protocol that this node speaks.
        case incompatible
        /// Uses this very node's identity: a copy of its data folder.
        case sameIdentity = "same_identity"
    }

    package var refused: Reason
    package var message: String

    package init(_ refused: Reason, _ message: String) {
        self.refused = refused
        self.message = message
    }

    package init(_ refused: Reason) { self.init(refused, Self.words(for: refused)) }

    private static func words(for reason: Reason) -> String {
        switch reason {
        case .stranger: "this node does not know you; pair with kith invite and kith join"
        case .forgotten: "this node has forgotten you; pair again with kith invite and kith join"
        case .kinOnly: "only kin may ask this"
        case .incompatible: "no common version of the protocol"
        case .sameIdentity: "you use this node's own identity; run kith rekey on the copy"
        }
    }
}
