// SPDX-License-Identifier: Apache-2.0

import Crypto
import KithModel
import KithTesting
import Testing
@testable import KithTrust

@Suite("The six words of a pairing code")
struct PairingWordsTests {
    private static func code(_ seed: UInt64, tier: Tier = .kin) -> PairingCode {
        var generator = SeededGenerator(seed: seed)
        return PairingCode(
            inviter: .random(using: &generator), addresses: [], seed: PairingSeed(using: &generator), tier: tier)
    }

    @Test("The list is that of BIP-0039")
    func list() {
        let text = PairingWordList.words.map { $0 + "\n" }.joined()
        let digest = SHA256.hash(data: Array(text.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        #expect(digest.joined() == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda")
        #expect(PairingWordList.places.count == 2_048)
    }

    @Test("They mean the same invitation as the code, and its tier")
    func same() throws {
        for seed in UInt64(0)..<4 {
            let code = Self.code(seed, tier: seed.isMultiple(of: 2) ? .kin : .kith)
            let read = try PairingCode.read(code.words).get()
            #expect(read.place == nil)
            #expect(read.tier == code.tier)
            #expect(read.invitation == code.invitation)
            #expect(read.text == code.words)
            #expect(code.words.split(separator: " ").count == 6)
        }
    }

    @Test("All bits come back, the lowest and the highest too")
    func bits() throws {
        var generator = SeededGenerator(seed: 1)
        let most: UInt64 = 1 << 60 - 1
        let random = (0..<2_000).map { _ in UInt64.random(in: 0...most, using: &generator) }
        for bits in [0, 1, 1 << 59, most, 0xFFF << 48] + random {
            let seed = try #require(PairingSeed(bits))
            for tier in Tier.allCases {
                let read = try PairingWords.read(PairingWords.text(tier: tier, seed: seed)).get()
                #expect(read.seed == seed && read.tier == tier, "\(bits)")
            }
        }
    }

    @Test("Capitals, hyphens, line ends and four letters of each word are enough")
    func tolerance() throws {
        let code = Self.code(3)
        let words = code.words.split(separator: " ")
        for text in [
            code.words.uppercased(), words.joined(separator: "-"), words.joined(separator: "\r\n"),
            words.map { $0.prefix(4) }.joined(separator: " "), "  \(words.joined(separator: ", ")).",
        ] {
            #expect(try PairingCode.read(text).get().tier == code.tier, "\(text)")
        }
    }

    @Test("What is wrong with them is said")
    func wrong() {
        let words = Self.code(4).words.split(separator: " ").map(String.init)
        func read(_ words: [String]) -> PairingCode.Unreadable? {
            PairingCode.read(words.joined(separator: " ")).failure
        }
        #expect(read(Array(words.prefix(4))) == .wordCount(4))
        #expect(read(words + ["zoo"]) == .wordCount(7))
        #expect(read(words.dropLast() + ["zzebra"]) == .unknownWord("zzebra"))
        #expect(read(words.dropLast() + [words[5] + "x"]) == .unknownWord(words[5] + "x"))
        // Five bits of check: one of 32 wrong words passes, and the node refuses it.
        let found = PairingWordList.words.count { read(words.dropLast() + [String($0)]) == .damagedWords }
        #expect(found > 2_048 * 29 / 32)
    }

    @Test("A code is never taken for words, nor spoilt words for a code")
    func apart() {
        for seed in UInt64(0)..<300 {
            let code = Self.code(seed)
            guard case .failure(.otherText) = PairingWords.read(code.text) else {
                Issue.record("seed \(seed)")
                continue
            }
            var generator = SeededGenerator(seed: seed)
            let text = String(decoding: Mutations.spoil(Array(code.words.utf8), using: &generator), as: UTF8.self)
            if let read = try? PairingCode.read(text).get() { #expect(read.place == nil, "seed \(seed)") }
        }
    }
}
