// SPDX-License-Identifier: Apache-2.0

/// One life of a node, from a start to its end; later lives of the same node are greater, as far as its clock can be trusted.
///
/// Tells a node that returned from one that never left, and two running copies of one data folder from each other.
package struct InstanceID: Hashable, Sendable, Comparable, Codable {
    package let startedAt: WallTime
    /// Drawn at the start, so that copies started in the same millisecond differ.
    package let salt: UInt64

    package init(startedAt: WallTime, salt: UInt64) {
        self.startedAt = startedAt
        self.salt = salt
    }

    package static func < (left: InstanceID, right: InstanceID) -> Bool {
        (left.startedAt, left.salt) < (right.startedAt, right.salt)
    }
}
