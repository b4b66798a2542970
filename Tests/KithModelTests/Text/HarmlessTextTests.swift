// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

struct HarmlessTextTests {
    private static let hostile = [
        "\u{1B}[2J\u{1B}]0;owned\u{7}", "\u{9B}31m", "a\rb", "a\u{202E}b\u{2066}c", "\u{7F}\u{8}\u{0}",
        "\u{2028}x\u{85}y",
        "\u{1B}P1;1|\u{1B}\\", "\u{E0001}\u{E0041}",
    ]

    private func acts(_ text: String, except allowed: Set<Unicode.Scalar> = []) -> Bool {
        text.unicodeScalars.contains { HarmlessText.isHarmful($0) && !allowed.contains($0) }
    }

    @Test(arguments: hostile)
    func `Nothing of what a terminal acts on stays in a line`(text: String) {
        #expect(!acts(HarmlessText(text).description))
    }

    @Test(arguments: hostile)
    func `In a block only line ends and tabs stay`(text: String) {
        #expect(!acts(HarmlessText(text + "\n\tx\r\n", for: .block).description, except: ["\n", "\t"]))
    }

    @Test func `An escape sequence is as harmless cut over pieces as whole, wherever it is cut`() {
        let whole = "x\u{1B}[31mred\u{1B}]8;;http://a\u{1B}\\\r\ny\u{9B}2J"
        for index in whole.unicodeScalars.indices {
            let pieces = [String(whole.unicodeScalars[..<index]), String(whole.unicodeScalars[index...])]
            let shown = pieces.map { HarmlessText($0, for: .block).description }.joined()
            #expect(shown == HarmlessText(whole, for: .block).description)
        }
    }

    @Test func `A reader sees that there were control characters`() {
        #expect(HarmlessText("a\u{1B}[0m\u{7F}").description == "a␛[0m␡")
    }

    @Test func `A text cannot begin another line of a log`() {
        #expect(HarmlessText("failed\r\n2026-01-01 notice kith: all is well").description.contains("\n") == false)
    }

    @Test(arguments: ["plain", "żółw 机器 👩‍👩‍👧 🏳️‍🌈", "لغة\u{200F}", "a\u{200C}b", "e\u{301}"])
    func `What people write stays as it is, in any script`(text: String) {
        #expect(HarmlessText(text).description == text)
        #expect(HarmlessText(text, for: .block).description == text)
    }

    @Test func `What is longer than its place is cut at a character and marked`() {
        let cut = HarmlessText(String(repeating: "é", count: 100), limit: 20).description
        #expect(cut.utf8.count <= 20 && cut.hasSuffix("…"))
    }

    @Test(arguments: UInt64(1)...20)
    func `Whatever bytes come, it is harmless, and a second time changes nothing`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let bytes = (0..<400).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let text = String(decoding: bytes, as: UTF8.self)
        for place in [HarmlessText.Place.line, .block] {
            let once = HarmlessText(text, for: place).description
            #expect(!acts(once, except: place == .block ? ["\n", "\t"] : []), "seed \(seed)")
            #expect(HarmlessText(once, for: place).description == once, "seed \(seed)")
        }
    }
}
