// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How long the one who asks waits for the whole answer.
package enum TimeLimit {
    /// Seconds.
    static let range = 0.001...86_400

    /// Seconds as clients write them: digits, and decimals after a point.
    static func seconds(_ text: String) -> Duration? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let isNumber = parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(digits.contains) }
        guard text.utf8.count <= 20, parts.count <= 2, isNumber, let seconds = Double(text), range.contains(seconds)
        else { return nil }
        return .seconds(seconds)
    }

    /// Whole milliseconds as nodes write them.
    package static func milliseconds(_ text: String) -> Duration? {
        let most = Int(range.upperBound * 1_000)
        guard let count = Int(text), (1...most).contains(count) else { return nil }
        return .milliseconds(count)
    }

    /// What the reading above reads, rounded up: at least one, so that whoever is asked can say that it is late.
    package static func milliseconds(_ left: Duration) -> String {
        String(Int(max(1, min(left.milliseconds.rounded(.up), range.upperBound * 1_000))))
    }
}
