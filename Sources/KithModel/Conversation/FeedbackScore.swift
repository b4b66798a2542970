// SPDX-License-Identifier: Apache-2.0

/// What a user thought of an answer: from -1, as bad as can be, to 1, as good as can be.
package struct FeedbackScore: Hashable, Sendable, Comparable {
    package let rawValue: Double

    /// - Returns: `nil` when `rawValue` is not a number from -1 to 1.
    package init?(_ rawValue: Double) {
        guard rawValue >= -1, rawValue <= 1 else { return nil }
        self.rawValue = rawValue
    }

    package static func < (left: FeedbackScore, right: FeedbackScore) -> Bool { left.rawValue < right.rawValue }
}
