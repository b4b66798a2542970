// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What one node tells another of a third, or of itself.
package struct MemberRecord: Hashable, Sendable {
    /// More accusers than this say nothing new.
    package static let accuserLimit = 4

    package var id: NodeID
    /// `nil` when the life is not known.
    package var instance: InstanceID?
    package var incarnation: Incarnation
    package var state: MemberState
    /// Who found the member not to answer, by a probe of its own; at most ``accuserLimit``, empty unless it is suspected.
    package var accusers: [NodeID]
    /// The newest declaration that the teller holds; 0 for none.
    package var declarationVersion: UInt64
    /// Left out where only states are compared. Its version is ``declarationVersion``.
    package var declaration: Declaration?

    package init(
        id: NodeID, instance: InstanceID?, incarnation: Incarnation, state: MemberState, accusers: [NodeID] = [],
        declarationVersion: UInt64 = 0, declaration: Declaration? = nil
    ) {
        self.id = id
        self.instance = instance
        self.incarnation = incarnation
        self.state = state
        self.accusers = accusers
        self.declarationVersion = declarationVersion
        self.declaration = declaration
    }
}
