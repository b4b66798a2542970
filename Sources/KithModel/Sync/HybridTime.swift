// SPDX-License-Identifier: Apache-2.0

/// A hybrid logical timestamp: 48 bits of milliseconds since 1970 and 16 bits that count within one (Kulkarni et al.,
/// "Logical Physical Clocks and Consistent Snapshots in Globally Distributed Databases", 2014).
///
/// An operation that was written by one who knew another has the greater timestamp, whatever the two clocks said, as long
/// as neither is quarantined.
package struct HybridTime: Hashable, Sendable, Comparable {
    private static let largestMilliseconds: Int64 = 1 << 48 - 1

    package let bits: UInt64

    package init(bits: UInt64) { self.bits = bits }

    /// - Parameter milliseconds: Held to what 48 bits bear: from 1970 to the year 10889.
    package init(milliseconds: Int64, counter: UInt16 = 0) {
        let held = min(max(0, milliseconds), Self.largestMilliseconds)
        bits = UInt64(held) << 16 | UInt64(counter)
    }

    package var milliseconds: Int64 { Int64(bits >> 16) }

    package var counter: UInt16 { UInt16(truncatingIfNeeded: bits) }

    /// To the millisecond.
    package var wall: WallTime { WallTime(milliseconds: milliseconds) }

    /// The next timestamp; a full counter goes on in the next millisecond. The last stays as it is.
    package var next: HybridTime { bits == .max ? self : HybridTime(bits: bits + 1) }

    package static func < (left: HybridTime, right: HybridTime) -> Bool { left.bits < right.bits }
}
