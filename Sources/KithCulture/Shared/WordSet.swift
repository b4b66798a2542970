// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The words of a sentence that carry its meaning, without their endings; used to find near-duplicates.
package struct WordSet: Hashable, Sendable {
    /// Two sentences with at least this share of common words say the same.
    package static let duplicateShare = 0.6
    private static let fewWords = 4

    package let words: Set<String>

    package init(_ text: String) { words = Set(Self.content(of: text)) }

    /// Jaccard's index, 0…1: the words in both over the words in either.
    package func similarity(to other: WordSet) -> Double {
        let common = words.intersection(other.words).count
        let all = words.count + other.words.count - common
        return all == 0 ? 0 : Double(common) / Double(all)
    }

    /// With few words, one more or less is another thought: they must be the same.
    package func says(theSameAs other: WordSet) -> Bool {
        guard min(words.count, other.words.count) >= Self.fewWords else {
            return words == other.words && !words.isEmpty
        }
        return similarity(to: other) >= Self.duplicateShare
    }

    private static func content(of text: String) -> [String] {
        words(of: text).filter { !frequent.contains($0) }.map(stem)
    }

    /// In small letters, in their order.
    package static func words(of text: String) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        for scalar in FoldedText(text).scalars + [" "] {
            if scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
                word.append(scalar)
            } else if scalar != "'" && !word.isEmpty {
                words.append(String(word))
                word = .init()
            }
        }
        return words
    }

    /// Takes English endings off, roughly: "reflecting", "reflected" and "reflects" become one. Other languages lose little.
    private static func stem(_ word: String) -> String {
        guard word.utf8.count > 4 else { return word }
        for ending in [
            "ingly", "edly", "ations", "ation", "ments", "ment", "ness", "ing", "ies", "ed", "es", "ly", "s", "e",
        ]
        where word.hasSuffix(ending) && word.utf8.count - ending.utf8.count >= 3 {
            return String(word.dropLast(ending.count))
        }
        return word
    }

    static let frequent: Set<String> = Set(
        """
        a about after all also am an and any are as at be because been being both but by can could did do does each even \
        every for from had has have he her here him his how i if in into is it its just let like many may me might more \
        most much must my no nor not now of on one only or other our out over own perhaps rather same she should so some \
        such than that the their them then there these they this those through to too toward up upon us very was we were \
        what when where whether which while who why will with within without would yet you your \
        im ive id ill youre youve thats theres heres lets isnt dont doesnt didnt cant wont weve were theyre
        """.split(separator: " ").map(String.init))
}

/// MinHash of a set of words, in bands: sentences that share a band are worth comparing, so that a new one is compared
/// with few of a hundred thousand.
///
/// A. Broder, "On the resemblance and containment of documents", 1997. With twelve bands of two rows, two sentences that
/// have 60 % of their words in common share a band with a probability of 99.5 %, at 20 % with one of 39 %.
package struct WordSignature: Hashable, Sendable {
    package static let bands = 12
    private static let rows = 2

    /// One number for each band.
    package let bandHashes: [UInt64]

    package init(_ set: WordSet) {
        let hashes = set.words.map(Self.hash)
        bandHashes = (0..<Self.bands).map { band in
            (0..<Self.rows).reduce(UInt64(band)) { mixed, row in
                let seed = UInt64(band * Self.rows + row + 1) &* 0x9E37_79B9_7F4A_7C15
                return Self.mix(mixed ^ (hashes.lazy.map { Self.mix($0 ^ seed) }.min() ?? 0))
            }
        }
    }

    /// FNV-1a, the same in every process.
    private static func hash(_ word: String) -> UInt64 {
        word.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// The finaliser of SplitMix64.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
