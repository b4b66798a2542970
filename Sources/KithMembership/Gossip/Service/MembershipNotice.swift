// SPDX-License-Identifier: Apache-2.0

/// What ``MembershipService`` tells of.
package enum MembershipNotice: Sendable, Hashable {
    case changed(MemberEvent)
    /// Two copies of a node are running; at most once a minute for each pair.
    case cloned(CloneSighting)
}
