// SPDX-License-Identifier: Apache-2.0

/// Cuts text into words without losing a byte.
enum Words {
    /// Each word with the whitespace that follows it; leading whitespace belongs to the first. Joined they are `text`.
    static func split(_ text: some StringProtocol) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var hasLetters = false
        var wasSpace = false
        for scalar in text.unicodeScalars {
            let isSpace = scalar.properties.isWhitespace
            if wasSpace, !isSpace, hasLetters {
                words.append(String(word))
                word = String.UnicodeScalarView()
            }
            word.append(scalar)
            hasLetters = hasLetters || !isSpace
            wasSpace = isSpace
        }
        if !word.isEmpty { words.append(String(word)) }
        return words
    }

    static func count(in text: String) -> Int {
        var count = 0
        var inWord = false
        for scalar in text.unicodeScalars {
            let isSpace = scalar.properties.isWhitespace
            if !isSpace, !inWord { count += 1 }
            inWord = !isSpace
        }
        return count
    }
}
