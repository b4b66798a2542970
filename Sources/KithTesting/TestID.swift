// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Ids that nobody has, by a number.
package enum TestID {
    package static func digest(_ number: Int) -> [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) }
    }

    package static func make(_ number: Int) throws -> NodeID {
        struct Impossible: Error {}
        guard let id = NodeID(digest: digest(number)) else { throw Impossible() }
        return id
    }
}
