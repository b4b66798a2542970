// SPDX-License-Identifier: Apache-2.0

/// What one step changes in a replicated log: to be stored all of it or nothing.
package struct LogTransition: Hashable, Sendable {
    package var inserted: [Operation]
    /// What need not be kept any more.
    package var removed: [OperationID]
    /// The entries of the version vector that changed, with their new values.
    package var versions: VersionVector
    /// The entries of the floor that grew, with their new values.
    package var floor: VersionVector
    /// The log in which this node writes from now on, when that has changed.
    package var own: Replica?

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
        inserted.isEmpty && removed.isEmpty && versions.isEmpty && floor.isEmpty && own == nil
    }
}

/// A replicated log as it is stored.
package struct LogSnapshot: Hashable, Sendable {
    /// `nil` before the first start.
    package var own: Replica?
    /// By replica and sequence.
    package var operations: [Operation]
    package var versions: VersionVector
    /// Up to where removals have been dropped for their age: who knows less must compare everything.
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
