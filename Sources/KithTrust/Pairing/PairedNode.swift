// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Whom a pairing was made with. Its id is proven; what it says of itself was sent by a holder of the code.
package struct PairedNode: Hashable, Sendable {
    package let id: NodeID
    package let tier: Tier
    package let introduction: PairingIntroduction
}
