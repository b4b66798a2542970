// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What one node tells another about the shared state: the body of `POST /peer/v1/state` and of its answer.
package struct SyncMessage: Hashable, Sendable {
    /// A part of the log of one replica.
    package struct Range: Hashable, Sendable {
        package var replica: Replica
        /// The part begins after this sequence number.
        package var since: UInt64
        /// And ends with this one: a node that knew everything up to ``since`` now knows everything up to here.
        package var upTo: UInt64
        /// Those of the part that are still kept, in order; all others have been superseded.
        package var operations: [Operation]

        package init(replica: Replica, since: UInt64, upTo: UInt64, operations: [Operation]) {
            self.replica = replica
            self.since = since
            self.upTo = upTo
            self.operations = operations
        }
    }

    /// Which operations of a replica are kept, from the first on.
    package struct Holding: Hashable, Sendable {
        package var replica: Replica
        /// All others up to here have been superseded or removed.
        package var upTo: UInt64
        /// In increasing order.
        package var sequences: [UInt64]

        package init(replica: Replica, upTo: UInt64, sequences: [UInt64]) {
            self.replica = replica
            self.upTo = upTo
            self.sequences = sequences
        }
    }

    /// What the sender knows.
    package var versions: VersionVector
    /// Up to where the sender has forgotten removals.
    package var floor: VersionVector
    /// Whether the receiver knows as much as the sender when it has taken the ranges in.
    package var isComplete: Bool
    package var ranges: [Range]
    /// What the sender holds of what the receiver knows; present when the receiver may hold something whose removal the
    /// sender has forgotten.
    package var holdings: [Holding]?
    /// Nodes whose logs were mentioned and that do not count here; what was said of them has been left out.
    package var strangers: Set<NodeID> = []

    package init(
        versions: VersionVector, floor: VersionVector = VersionVector(), isComplete: Bool = true, ranges: [Range] = [],
        holdings: [Holding]? = nil
    ) {
        self.versions = versions
        self.floor = floor
        self.isComplete = isComplete
        self.ranges = ranges
        self.holdings = holdings
    }

    package var operationCount: Int { ranges.reduce(0) { $0 + $1.operations.count } }

    /// The same in messages of at most so many operations, to be taken in this order; nothing else has to wait for all of it
    /// then.
    package func parts(of limit: Int) -> [SyncMessage] {
        guard operationCount > limit else { return [self] }
        var parts: [SyncMessage] = []
        var part = withoutRanges(holdings: holdings)
        var room = limit
        func next() {
            parts.append(part)
            part = withoutRanges(holdings: holdings.map { _ in [] })
            room = limit
        }
        for range in ranges {
            var rest = range.operations[...]
            var since = range.since
            while rest.count > room {
                let taken = rest.prefix(room)
                rest = rest.dropFirst(room)
                if let last = taken.last {
                    part.ranges.append(
                        Range(replica: range.replica, since: since, upTo: last.id.sequence, operations: Array(taken)))
                    since = last.id.sequence
                }
                next()
            }
            room -= rest.count
            part.ranges.append(
                Range(replica: range.replica, since: since, upTo: range.upTo, operations: Array(rest)))
        }
        parts.append(part)
        return parts
    }

    private func withoutRanges(holdings: [Holding]?) -> SyncMessage {
        SyncMessage(versions: versions, floor: floor, isComplete: isComplete, holdings: holdings)
    }
}

/// How much goes into one message.
package struct SyncBudget: Hashable, Sendable {
    /// Bytes of an encoded message that are read at most.
    package static let byteLimit = 4 << 20
    /// Operations of a message that are read at most.
    package static let operationLimit = 8_192
    /// Entries of all that the operations of a message have seen that are read at most.
    package static let seenLimit = 262_144
    package static let standard = SyncBudget(operations: 4_096, bytes: 2 << 20)

    private var operations: Int
    private var bytes: Int
    /// Whether nothing had to be left out yet.
    private(set) var isOpen = true

    package init(operations: Int, bytes: Int) {
        self.operations = operations
        self.bytes = bytes
    }

    /// The first always fits.
    mutating func take(_ operation: Operation) -> Bool {
        guard isOpen, operations > 0, bytes > 0 else {
            isOpen = false
            return false
        }
        operations -= 1
        bytes -=
            64 + (operation.value?.count ?? 0) + operation.register.name.utf8.count + 12
            * operation.seen.sequences.count
        return true
    }
}
