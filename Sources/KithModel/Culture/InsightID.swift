// SPDX-License-Identifier: Apache-2.0

/// Names one insight on every node that has it: 128 random bits in hexadecimal.
package struct InsightID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: String

    /// - Returns: `nil` for anything but 32 hexadecimal digits in small letters.
    package init?(_ rawValue: String) {
        guard rawValue.utf8.count == 32,
            rawValue.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        self.rawValue = rawValue
    }

    private init(_ id: RequestID) { rawValue = id.rawValue }

    package static func random(using generator: inout some RandomNumberGenerator) -> InsightID {
        InsightID(RequestID.random(using: &generator))
    }

    package var description: String { rawValue }

    package static func < (left: InsightID, right: InsightID) -> Bool { left.rawValue < right.rawValue }
}
