// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite("JSON at random")
struct JSONRandomTests {
    private struct Maker {
        var generator: SeededGenerator

        mutating func value(_ depth: Int = 0) -> JSONValue {
            switch Int.random(in: depth > 4 ? 2...8 : 0...8, using: &generator) {
            case 0: return .array((0..<Int.random(in: 0...4, using: &generator)).map { _ in value(depth + 1) })
            case 1:
                return .object(
                    JSONObject((0..<Int.random(in: 0...12, using: &generator)).map { _ in (text(), value(depth + 1)) }))
            case 2: return .null
            case 3: return .bool(.random(using: &generator))
            case 4: return .integer(.random(in: .min ... .max, using: &generator))
            case 5: return .integer(.random(in: -1_000...1_000, using: &generator))
            case 6:
                let number = Double(bitPattern: .random(in: .min ... .max, using: &generator))
                return .number(number.isFinite ? number : 0.5)
            case 7: return .number((Double.random(in: -1e6...1e6, using: &generator) * 1_000).rounded() / 1_000)
            default: return .string(text())
            }
        }

        private mutating func text() -> String {
            let letters: [Character] = [
                "a", "\"", "\\", "/", "\n", "\u{0}", "\u{1F}", "\u{7F}", "é", "\u{85}", "\u{2028}", "\u{2029}", "世",
                "😀", "\u{10FFFF}", " ", "{", "]", ",", ":",
            ]
            return String(
                (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                    letters.randomElement(using: &generator) ?? "a"
                })
        }
    }

    @Test("Whatever is written is read again, in its order", arguments: 1...20 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        print("seed \(seed)")
        var maker = Maker(generator: SeededGenerator(seed: seed))
        for _ in 0..<200 {
            let value = maker.value()
            let bytes = value.jsonBytes
            #expect(!bytes.contains { $0 < 0x20 })
            let again = try JSONValue(parsing: bytes)
            #expect(again == value, "seed \(seed)")
            #expect(again.jsonBytes == bytes, "seed \(seed)")
            let range = try JSONScanner.scan([0x20] + bytes + [0x20]) { scanner throws(JSONError) in
                try scanner.skipValue()
            }
            #expect(range == 1..<(bytes.count + 1))
        }
    }

    @Test(
        "Spoilt bytes are read or refused, by skipping as by reading, and never trap",
        arguments: 1...20 as ClosedRange<UInt64>)
    func spoilt(seed: UInt64) {
        print("seed \(seed)")
        var maker = Maker(generator: SeededGenerator(seed: seed))
        for _ in 0..<500 {
            let bytes = Mutations.spoil(maker.value().jsonBytes, using: &maker.generator)
            let read = try? JSONValue(parsing: bytes)
            let skipped: Void? = try? JSONScanner.scan(bytes) { scanner throws(JSONError) in
                try scanner.skipValue()
                try scanner.end()
            }
            #expect((read == nil) == (skipped == nil), "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
            if let read { #expect((try? JSONValue(parsing: read.jsonBytes)) == read) }
        }
    }
}
