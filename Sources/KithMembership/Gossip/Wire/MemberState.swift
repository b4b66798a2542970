// SPDX-License-Identifier: Apache-2.0

/// How a member stands in the eyes of one node.
package enum MemberState: UInt8, Sendable, Hashable, CaseIterable {
    /// Trusted, perhaps talked about, but not met in this life of the observer. Leaves to `alive` by direct contact, to `dead`
    /// or `left` by hearsay that a probe of its own did not contradict.
    case unknown = 0
    /// Leaves to `suspect` when probes fail, to `left` by a goodbye.
    case alive = 1
    /// Leaves to `alive` when the member contradicts or is heard, to `dead` when its time has run out.
    case suspect = 2
    /// Leaves to `alive` by direct contact only.
    case dead = 3
    /// It said goodbye. Leaves to `alive` by direct contact with a later incarnation or life.
    case left = 4

    /// Whether the member takes part: it is probed in turn and gossip is sent to it.
    package var isPresent: Bool { self == .alive || self == .suspect }
}
