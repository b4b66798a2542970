// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What happens between this node and others beside what is known of each peer.
package enum MeshNews: Hashable, Sendable {
    /// A pairing code was made.
    case invited(Tier)
    /// A node brought a code of this one, or this one brought its.
    case paired(NodeID, NodeName?, Tier)
    /// Other nodes are near than before, or fewer.
    case nearby
    /// State was exchanged with a kin: so many operations went there and came from there.
    case exchanged(NodeID, sent: Int, received: Int)
}
