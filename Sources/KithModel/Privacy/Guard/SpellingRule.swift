// SPDX-License-Identifier: Apache-2.0

/// Words spelled letter by letter, with spaces, dashes or full stops between.
enum SpellingRule {
    /// Single characters in a row. "U.S.A." and "a b c" are fewer.
    static let length = 6

    static func matches(_ scan: TextScan) -> Bool {
        // Cut at whatever is no part of a word; what stands alone is spelled.
        var (run, word) = (0, 0)
        for scalar in scan.scalars + [" "] {
            if scalar.isWordPart, !scalar.isOfUnspacedScript {
                word += 1
            } else if word > 0 {
                run = word == 1 ? run + 1 : 0
                word = 0
                if run >= length { return true }
            }
        }
        return false
    }
}
