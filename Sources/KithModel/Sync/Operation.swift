// SPDX-License-Identifier: Apache-2.0

/// One log of one node: a node that lost its database begins a new log, so that no sequence number is used twice.
package struct Replica: Hashable, Sendable, Comparable {
    package let node: NodeID
    /// Drawn when the log was begun.
    package let epoch: UInt64

    package init(node: NodeID, epoch: UInt64) {
        self.node = node
        self.epoch = epoch
    }

    package static func < (left: Replica, right: Replica) -> Bool {
        (left.node, left.epoch) < (right.node, right.epoch)
    }
}

/// The place of an operation in the log of the replica that wrote it.
package struct OperationID: Hashable, Sendable, Comparable {
    package let replica: Replica
    /// Counted from 1, without gaps.
    package let sequence: UInt64

    package init(replica: Replica, sequence: UInt64) {
        self.replica = replica
        self.sequence = sequence
    }

    package static func < (left: OperationID, right: OperationID) -> Bool {
        (left.replica, left.sequence) < (right.replica, right.sequence)
    }
}

/// One write to one register of the shared state.
package struct Operation: Hashable, Sendable {
    /// Bytes of a value, as JSON.
    package static let valueLimit = 64 * 1_024
    /// Entries of ``seen``.
    package static let seenLimit = 256

    package let id: OperationID
    package let time: HybridTime
    package let register: RegisterKey
    /// Who said it: a client or a node.
    package let source: StateSource
    /// JSON text; `nil` removes what was there.
    package let value: [UInt8]?
    /// The writes to this register that the writer knew, and that this one takes the place of.
    package let seen: VersionVector

    package init(
        id: OperationID, time: HybridTime, register: RegisterKey, source: StateSource, value: [UInt8]?,
        seen: VersionVector
    ) {
        self.id = id
        self.time = time
        self.register = register
        self.source = source
        self.value = value
        self.seen = seen
    }
}
