// SPDX-License-Identifier: Apache-2.0

/// E-mail addresses, handles such as `@somebody`, and both in words: `somebody (at) example dot org`.
enum EmailRule {
    static func matches(_ scan: TextScan) -> Bool {
        if hasSign(scan.scalars) { return true }
        // "… at … dot …" within a few words.
        let words = scan.pieces.map(\.text)
        for (place, word) in words.enumerated() where word == "at" && place > 0 {
            let following = words[(place + 1)...].prefix(4)
            if following.dropFirst().contains("dot") || following.dropFirst().contains("punkt") { return true }
        }
        return false
    }

    /// An at sign, also in brackets, with a word before or behind it.
    private static func hasSign(_ scalars: [Unicode.Scalar]) -> Bool {
        for place in scalars.indices where scalars[place] == "@" {
            if place + 1 < scalars.count, scalars[place + 1].isWordPart { return true }
            if place > 0, scalars[place - 1].isWordPart { return true }
        }
        return ["[at]", "(at)", "{at}", "<at>"].contains { scalars[...].holds($0) }
    }
}
