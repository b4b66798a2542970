// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithModel

/// The six words that stand for a pairing code between machines that see each other on the network.
///
/// In bits: one for the tier, 60 of the seed, five of a digest over both, which find most typing errors; eleven to a word.
enum PairingWords {
    static let count = 6
    private static let checkWidth: UInt64 = 5
    private static let wordWidth: UInt64 = 11
    /// Letters that tell a word from all others.
    private static let leastLetters = 4

    /// Why a text is not six of the words.
    enum Unreadable: Error {
        /// It does not look like words at all.
        case otherText
        case unknownWord(String)
        case wrongCount(Int)
        case damaged
    }

    static func text(tier: Tier, seed: PairingSeed) -> String {
        let head = Self.head(tier, seed)
        // 66 bits: the highest three of them by themselves.
        let low = head << checkWidth | check(head)
        let high = head >> (64 - checkWidth)
        return (0..<UInt64(count)).reversed().map { place in
            let shift = place * wordWidth
            let bits = shift < 64 ? low >> shift | (shift > 53 ? high << (64 - shift) : 0) : high >> (shift - 64)
            return String(PairingWordList.words[Int(bits & 0x7FF)])
        }.joined(separator: " ")
    }

    /// Reads words in any case, with anything but letters between them; four letters of a word are enough.
    static func read(_ text: String) -> Result<(tier: Tier, seed: PairingSeed), Unreadable> {
        let parts = text.lowercased().split { !$0.isLetter }
        guard text.unicodeScalars.allSatisfy({ !("0"..."9").contains($0) }), looksLikeWords(parts) else {
            return .failure(.otherText)
        }
        var places: [UInt64] = []
        for part in parts {
            guard let place = place(of: part) else { return .failure(.unknownWord(String(part))) }
            places.append(UInt64(place))
        }
        guard places.count == count else { return .failure(.wrongCount(places.count)) }
        // 66 bits; the check is the lowest five.
        let check = places[count - 1] & (1 << checkWidth - 1)
        let rest = places[count - 1] >> checkWidth
        let head = places.dropLast().reduce(0) { $0 << wordWidth | $1 } << (wordWidth - checkWidth) | rest
        guard check == Self.check(head), let seed = PairingSeed(head & (1 << UInt64(PairingSeed.width) - 1)) else {
            return .failure(.damaged)
        }
        return .success((head >> UInt64(PairingSeed.width) == 1 ? .kin : .kith, seed))
    }

    /// At least two, and half of them known: somebody typed words, and not a code without its digits.
    private static func looksLikeWords(_ parts: [Substring]) -> Bool {
        parts.count >= 2 && 2 * parts.count(where: { place(of: $0) != nil }) >= parts.count
    }

    private static func place(of word: Substring) -> Int? {
        guard let place = PairingWordList.places[word.prefix(leastLetters)],
            PairingWordList.words[place].hasPrefix(word)
        else { return nil }
        return place
    }

    private static func head(_ tier: Tier, _ seed: PairingSeed) -> UInt64 {
        (tier == .kin ? 1 : 0) << UInt64(PairingSeed.width) | seed.bits
    }

    private static func check(_ head: UInt64) -> UInt64 {
        var writer = ByteWriter()
        writer.append(uint64: head)
        let digest = Array(SHA256.hash(data: writer.bytes))
        return UInt64(digest[0]) >> (8 - checkWidth)
    }
}
