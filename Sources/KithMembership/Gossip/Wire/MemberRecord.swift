// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What one node tells another about a third, or about itself.
package struct MemberRecord: Hashable, Sendable {
    /// More accusers than this say nothing new.
    package static let accuserLimit = 4

    package var id: NodeID
    /// `nil` when the instance is not known.
    package var instance: InstanceID?
    package var incarnation: Incarnation
    package var state: MemberState
    /// The nodes whose own probes the member did not answer; at most ``accuserLimit``, empty unless it is suspected.
    package var accusers: [NodeID]
    /// The newest declaration that the sender holds; 0 for none.
    package var declarationVersion: UInt64
    /// Left out where only states are compared. Its version is ``declarationVersion``.
    package var declaration: NodeMetadata?

    package init(
        id: NodeID, instance: InstanceID?, incarnation: Incarnation, state: MemberState, accusers: [NodeID] = [],
        declarationVersion: UInt64 = 0, declaration: NodeMetadata? = nil
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

/// Counts how often one instance of a node has contradicted what was said of it; only that node raises it.
package struct Incarnation: Hashable, Sendable, Comparable {
    package static let first = Incarnation(number: 0)
    /// Numbers above are held to this, so that there is always a next one to compare with.
    package static let last = Incarnation(number: 1 << 60)
    /// How far hearsay may run ahead of what is known before it is taken for a lie, or for news best fetched at the source.
    package static let believableLeap: UInt64 = 1_000

    package let number: UInt64

    package init(number: UInt64) { self.number = min(number, 1 << 60) }

    package var next: Incarnation { Incarnation(number: number &+ 1) }

    /// Whether hearsay may raise this incarnation to another one.
    package func mayLeap(to other: Incarnation) -> Bool { other.number <= number &+ Self.believableLeap }

    /// The other one, or as far towards it as hearsay may leap.
    package func approaching(_ other: Incarnation) -> Incarnation {
        mayLeap(to: other) ? other : Incarnation(number: number &+ Self.believableLeap)
    }

    package static func < (left: Incarnation, right: Incarnation) -> Bool { left.number < right.number }
}

/// What a node says of itself: an opaque payload and the addresses at which it thinks it can be reached.
package struct NodeMetadata: Hashable, Sendable {
    package static let payloadLimit = 4_096
    package static let addressLimit = 16
    /// How far hearsay may run ahead of what is known: about a day of changes, one a second.
    package static let believableLeap: UInt64 = 100_000

    /// Grows with each change within one instance; 0 means that nothing has been declared. The greater one wins.
    package var version: UInt64
    /// At most ``payloadLimit`` bytes.
    package var payload: [UInt8]
    /// At most ``addressLimit``.
    package var addresses: [PeerAddress]

    package init(version: UInt64 = 0, payload: [UInt8] = [], addresses: [PeerAddress] = []) {
        self.version = version
        self.payload = payload
        self.addresses = addresses
    }
}
