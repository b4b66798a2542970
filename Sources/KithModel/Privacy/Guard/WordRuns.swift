// SPDX-License-Identifier: Apache-2.0

/// The runs of four words in a text, as hashes: to find what two texts have in common.
///
/// Scripts without spaces between words count two characters as a word. Runs of nothing but the most frequent words say
/// nothing about anybody and are left out: they occur in every longer text.
package struct WordRuns: Sendable {
    /// Words of a run.
    package static let length = 4

    package private(set) var hashes: Set<UInt64>

    package init() { hashes = [] }

    package init(_ text: String) { self.init(FoldedText(text)) }

    package init(_ text: FoldedText) {
        var found: Set<UInt64> = []
        Self.each(in: text) { hash in
            found.insert(hash)
            return true
        }
        hashes = found
    }

    package var isEmpty: Bool { hashes.isEmpty }

    package mutating func formUnion(_ other: WordRuns) { hashes.formUnion(other.hashes) }

    package mutating func subtract(_ other: WordRuns) { hashes.subtract(other.hashes) }

    /// Whether a text has one of these runs in it; its own are not kept.
    package func meet(_ text: String) -> Bool {
        guard !hashes.isEmpty else { return false }
        var isMet = false
        Self.each(in: FoldedText(text)) { hash in
            isMet = hashes.contains(hash)
            return !isMet
        }
        return isMet
    }

    private struct Word {
        var hash: UInt64
        /// In half words.
        var weight: Int
        var isFrequent: Bool
    }

    /// - Parameter take: Returns whether to go on.
    private static func each(in text: FoldedText, _ take: (UInt64) -> Bool) {
        let words = words(of: text)
        var (end, weight) = (0, 0)
        for start in words.indices {
            while end < words.count, weight < 2 * length {
                weight += words[end].weight
                end += 1
            }
            guard weight >= 2 * length else { return }
            let run = words[start..<end]
            if !run.allSatisfy(\.isFrequent) {
                guard take(run.reduce(Self.offset) { ($0 ^ $1.hash) &* Self.prime }) else { return }
            }
            weight -= words[start].weight
        }
    }

    private static func words(of text: FoldedText) -> [Word] {
        var words: [Word] = []
        var (hash, length) = (offset, 0)
        func end(_ words: inout [Word]) {
            guard length > 0 else { return }
            words.append(Word(hash: hash, weight: 2, isFrequent: length <= 6 && frequent.contains(hash)))
            (hash, length) = (offset, 0)
        }
        for scalar in text.scalars {
            if scalar.isOfUnspacedScript {
                end(&words)
                words.append(Word(hash: Self.mix(offset, scalar), weight: 1, isFrequent: false))
            } else if scalar.isWordPart {
                hash = mix(hash, scalar)
                length += 1
            } else if scalar != "'" {
                end(&words)
            }
        }
        end(&words)
        return words
    }

    // FNV-1a, 64 bits; a collision only refuses what might have been said.
    private static let offset: UInt64 = 0xCBF2_9CE4_8422_2325
    private static let prime: UInt64 = 0x100_0000_01B3

    private static func mix(_ hash: UInt64, _ scalar: Unicode.Scalar) -> UInt64 {
        (hash ^ UInt64(scalar.value)) &* prime
    }

    private static let frequent = Set(
        """
        a about all also am an and any are as at be been but by can could did do does for from had has have he her him his \
        how i if in into is it its just like may me more most much my no not of on one only or other our out over own \
        same she should so some such than that the their them then there these they this those through to too up us very \
        was we were what when where which while who why will with would you your
        """.split(separator: " ").map { $0.unicodeScalars.reduce(offset) { mix($0, $1) } })
}
