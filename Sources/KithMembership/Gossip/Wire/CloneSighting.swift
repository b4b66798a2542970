// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Two lives of one node that were both heard, the earlier one again after the later one.
package struct CloneSighting: Hashable, Sendable {
    package let id: NodeID
    package let earlier: InstanceID
    package let later: InstanceID

    /// - Returns: `nil` when both are the same life.
    package init?(id: NodeID, _ one: InstanceID, _ other: InstanceID) {
        guard one != other else { return nil }
        self.id = id
        earlier = min(one, other)
        later = max(one, other)
    }

    package func involves(_ instance: InstanceID) -> Bool { instance == earlier || instance == later }
}
