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
    /// JSON text; `nil` removes the value.
    package let value: [UInt8]?
    /// The writes to this register that the writer knew, and that this one replaces.
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

/// What one step changes in a replicated log: to be stored completely or not at all.
package struct LogTransition: Hashable, Sendable {
    package var inserted: [Operation]
    /// Operations that need not be kept any more.
    package var removed: [OperationID]
    /// The entries of the version vector that changed, with their new values.
    package var versions: VersionVector
    /// The entries of the floor that grew, with their new values.
    package var floor: VersionVector
    /// The log in which this node writes from now on, when that has changed.
    package var own: Replica?
    /// Logs of which nothing is known any more, and that no operation mentions.
    package var forgotten: [Replica] = []
    /// When not `nil`, everything of all other nodes goes, before anything else of this is stored.
    package var members: Set<NodeID>?

    package init(
        inserted: [Operation] = [], removed: [OperationID] = [], versions: VersionVector = VersionVector(),
        floor: VersionVector = VersionVector(), own: Replica? = nil
    ) {
        self.inserted = inserted
        self.removed = removed
        self.versions = versions
        self.floor = floor
        self.own = own
    }

    package var isEmpty: Bool {
        inserted.isEmpty && removed.isEmpty && versions.isEmpty && floor.isEmpty && own == nil && forgotten.isEmpty
            && members == nil
    }
}

/// A replicated log as it is stored.
package struct LogSnapshot: Hashable, Sendable {
    /// `nil` before the first start.
    package var own: Replica?
    /// By replica and sequence.
    package var operations: [Operation]
    package var versions: VersionVector
    /// Up to where removals have been dropped for their age: a node that knows less must compare everything.
    package var floor: VersionVector

    package init(
        own: Replica? = nil, operations: [Operation] = [], versions: VersionVector = VersionVector(),
        floor: VersionVector = VersionVector()
    ) {
        self.own = own
        self.operations = operations
        self.versions = versions
        self.floor = floor
    }
}

/// Keeps the replicated log on a disk.
package protocol SharedLogStore: Sendable {
    /// The whole log, at one point in time.
    func logSnapshot() async throws(StateRefusal) -> LogSnapshot

    /// Stores what a step has changed and which deliveries it counted, all or nothing; on disk when it returns.
    func commit(_ transition: LogTransition, deliveries: [DeliveryKey]) async throws(StateRefusal)

    /// Whether a commit has counted this delivery, and it has not been forgotten since.
    func isDelivered(_ key: DeliveryKey) async throws(StateRefusal) -> Bool
}
