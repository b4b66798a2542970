// SPDX-License-Identifier: Apache-2.0

/// A version as packages have it: Semantic Versioning 2.0.0, and between two of one number the later commit counts as newer.
///
/// `1.2.3+5.gabcdef0` is five commits after `1.2.3`, and `0.1.0-dev.700.gabcdef0` comes before `0.1.0`.
package struct ReleaseVersion: Hashable, Sendable, CustomStringConvertible {
    private static let longest = 100

    private var numbers: [UInt64]
    private var before: [Substring]
    private var after: [Substring]
    package let description: String

    /// - Returns: `nil` for what is no version.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.longest,
            text.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || ".-+".utf8.contains(byte)
            })
        else { return nil }
        let build = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let core = build[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = core[0].split(separator: ".", omittingEmptySubsequences: false).map { UInt64($0) }
        guard numbers.count == 3, !numbers.contains(nil) else { return nil }
        self.numbers = numbers.compactMap(\.self)
        before = core.count > 1 ? core[1].split(separator: ".") : []
        after = build.count > 1 ? build[1].split(separator: ".") : []
        description = text
    }
}

extension ReleaseVersion: Comparable {
    package static func < (left: Self, right: Self) -> Bool {
        if left.numbers != right.numbers { return left.numbers.lexicographicallyPrecedes(right.numbers) }
        if left.before != right.before {
            // A version with something before it is not the version yet.
            guard !left.before.isEmpty, !right.before.isEmpty else { return right.before.isEmpty }
            return precedes(left.before, right.before)
        }
        return precedes(left.after, right.after)
    }

    /// Section 11.4: numbers by their value and before words; fewer fields first.
    private static func precedes(_ left: [Substring], _ right: [Substring]) -> Bool {
        for (one, other) in zip(left, right) where one != other {
            switch (UInt64(one), UInt64(other)) {
            case (let one?, let other?): return one < other
            case (_?, nil): return true
            case (nil, _?): return false
            case (nil, nil): return one < other
            }
        }
        return left.count < right.count
    }
}
