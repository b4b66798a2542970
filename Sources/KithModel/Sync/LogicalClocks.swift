// SPDX-License-Identifier: Apache-2.0

/// A hybrid logical timestamp: 48 bits of milliseconds since 1970 and 16 bits that count within one (Kulkarni et al.,
/// "Logical Physical Clocks and Consistent Snapshots in Globally Distributed Databases", 2014).
///
/// An operation whose writer knew another operation has the greater timestamp of the two, whatever the two clocks said,
/// as long as neither is quarantined.
package struct HybridTime: Hashable, Sendable, Comparable {
    private static let largestMilliseconds: Int64 = 1 << 48 - 1

    package let bits: UInt64

    package init(bits: UInt64) { self.bits = bits }

    /// - Parameter milliseconds: Held to what 48 bits can hold: from 1970 to the year 10889.
    package init(milliseconds: Int64, counter: UInt16 = 0) {
        let held = min(max(0, milliseconds), Self.largestMilliseconds)
        bits = UInt64(held) << 16 | UInt64(counter)
    }

    package var milliseconds: Int64 { Int64(bits >> 16) }

    package var counter: UInt16 { UInt16(truncatingIfNeeded: bits) }

    /// To the millisecond.
    package var wall: WallTime { WallTime(milliseconds: milliseconds) }

    /// The next timestamp; a full counter continues in the next millisecond. The last timestamp stays as it is.
    package var next: HybridTime { bits == .max ? self : HybridTime(bits: bits + 1) }

    package static func < (left: HybridTime, right: HybridTime) -> Bool { left.bits < right.bits }
}

/// For each replica how many of its operations are known, counted from the first (Parker et al., "Detection of Mutual
/// Inconsistency in Distributed Systems", 1983).
package struct VersionVector: Hashable, Sendable {
    /// Never zero.
    package private(set) var sequences: [Replica: UInt64]

    package init(_ sequences: [Replica: UInt64] = [:]) { self.sequences = sequences.filter { $0.value > 0 } }

    package var isEmpty: Bool { sequences.isEmpty }

    /// 0 for a replica of which nothing is known.
    package subscript(replica: Replica) -> UInt64 { sequences[replica] ?? 0 }

    package func covers(_ id: OperationID) -> Bool { id.sequence <= self[id.replica] }

    package func covers(_ other: VersionVector) -> Bool { other.sequences.allSatisfy { $0.value <= self[$0.key] } }

    /// Never lowers what is known.
    package mutating func note(_ id: OperationID) { raise(id.replica, to: id.sequence) }

    package mutating func raise(_ replica: Replica, to sequence: UInt64) {
        if sequence > self[replica] { sequences[replica] = sequence }
    }

    /// For the entries of a change, which take the place of earlier ones.
    package mutating func set(_ replica: Replica, to sequence: UInt64) {
        sequences[replica] = sequence > 0 ? sequence : nil
    }

    package mutating func merge(_ other: VersionVector) {
        for (replica, sequence) in other.sequences { raise(replica, to: sequence) }
    }

    /// Of logs that the other does not know, only so many.
    package func restricted(to other: VersionVector, beside limit: Int) -> VersionVector {
        var room = limit
        return VersionVector(
            sequences.filter { entry in
                if other[entry.key] > 0 { return true }
                room -= 1
                return room >= 0
            })
    }

    /// How many operations the other knows and this one does not.
    package func lag(behind other: VersionVector) -> UInt64 {
        other.sequences.reduce(0) { sum, entry in
            let own = self[entry.key]
            let (total, overflow) = sum.addingReportingOverflow(entry.value > own ? entry.value - own : 0)
            return overflow ? .max : total
        }
    }
}
