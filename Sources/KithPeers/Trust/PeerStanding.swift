// SPDX-License-Identifier: Apache-2.0

/// What another node is to this one.
package enum PeerStanding: String, Hashable, Sendable {
    /// It shows this node's own identity.
    case own
    case kin
    case kith
    case forgotten
    case stranger
}
