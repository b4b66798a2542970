// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithTesting
import Testing

@Suite("What a peer says is data")
struct SanitizedTextTests {
    @Test(
        "Control characters, invisible ones and those that turn the direction of writing are taken out",
        arguments: [
            ("Meaning\u{0}\u{1B}[31m is\tmade\r\n", "Meaning [31m is made"),
            ("\u{202E}olleh\u{202C} dear", "olleh dear"),
            ("a\u{200B}b\u{FEFF} c", "ab c"), ("  much   space  ", "much space"), ("नमस्ते\u{200D} जी", "नमस्ते\u{200D} जी"),
        ])
    func cleaned(_ raw: String, _ expected: String) throws {
        #expect(try SanitizedText(raw).text.unicodeScalars.elementsEqual(expected.unicodeScalars))
    }

    @Test(
        "What is no answer is told apart, by what it is",
        arguments: [
            ("", SanitizedText.Fault.empty), (" \n\u{0} ", .empty), ("<!DOCTYPE html><html>oops", .markup),
            ("<HTML><body>502 Bad Gateway", .markup), ("\u{FFFD}\u{FFFD}ab\u{FFFD}", .gibberish),
            ("0x00 11 22 33 {}", .gibberish),
        ])
    func faults(_ raw: String, _ fault: SanitizedText.Fault) {
        #expect(throws: fault) { try SanitizedText(raw) }
    }

    @Test("Fifty megabytes become two thousand characters")
    func bounded() throws {
        let words = try SanitizedText(String(repeating: "and so on ", count: 5_000_000))
        #expect(
            words.text.unicodeScalars.count == SanitizedText.limit - 1
                || words.text.unicodeScalars.count == SanitizedText.limit)
    }

    @Test("Whatever comes, what is kept is bounded and printable", arguments: UInt64(1)...30)
    func anything(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let bytes = (0..<Int.random(in: 0...4_000, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            guard let words = try? SanitizedText(String(decoding: bytes, as: UTF8.self)) else { continue }
            #expect(words.text.unicodeScalars.count <= SanitizedText.limit)
            #expect(words.text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        }
    }
}
