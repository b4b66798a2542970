// SPDX-License-Identifier: Apache-2.0

/// Counts how often one life of a node has contradicted what was said of it; only that node raises it.
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
