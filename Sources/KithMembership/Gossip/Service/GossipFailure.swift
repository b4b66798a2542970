// SPDX-License-Identifier: Apache-2.0

/// Why a packet could not be exchanged.
package enum GossipFailure: Error, Sendable, Hashable {
    /// At every known address the machine answered that nobody listens.
    case refused
    /// There is no address, or no way to any.
    case unreachable
    case timeout
    /// The peer was reached and does not talk to this node: it does not trust it, or speaks another version.
    case refusedByPeer(reason: String)
}
