// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithTesting
import Testing

@Suite("What is typed without being shown")
struct HiddenInputTests {
    private func typed(_ text: String, limit: Int = 100) -> (HiddenInput, [HiddenInput.Verdict]) {
        var input = HiddenInput(limit: limit)
        let verdicts = text.utf8.map { input.take($0) }
        return (input, verdicts)
    }

    @Test("A line may end the input, and what follows it at once belongs to it")
    func lines() {
        var (input, verdicts) = typed("ABC-\r")
        #expect(verdicts.allSatisfy { $0 == .goOn })
        #expect(input.mayEnd)
        for byte in "DEF".utf8 { _ = input.take(byte) }
        #expect(!input.mayEnd)
        #expect(input.text == "ABC-\nDEF")
    }

    @Test("Empty lines do not end it", arguments: ["", "\n", " \n\n"])
    func empty(text: String) { #expect(!typed(text).0.mayEnd) }

    @Test("Return alone is noticed, and not after a text")
    func emptyLine() {
        #expect(typed("\r").0.isEmptyLine && !typed("").0.isEmptyLine && !typed("A\r").0.isEmptyLine)
    }

    @Test("An empty line after a text ends it, whole or not")
    func givenUp() {
        #expect(!typed("ABC\r").0.isGivenUp)
        #expect(typed("ABC\r\r").0.isGivenUp)
        #expect(!typed("ABC\r\rD\r").0.isGivenUp)
        #expect(!typed("\r\r").0.isGivenUp)
    }

    @Test("Backspace takes back a whole character, Ctrl-U everything")
    func editing() {
        #expect(typed("AB\u{7F}C").0.text == "AC")
        #expect(typed("Aß\u{7F}C").0.text == "AC")
        #expect(typed("\u{7F}\u{8}A").0.text == "A")
        #expect(typed("AB\u{15}C").0.text == "C")
    }

    @Test("Ctrl-C interrupts and Ctrl-D ends")
    func control() {
        #expect(typed("A\u{3}").1.last == .interrupted)
        #expect(typed("A\u{4}").1.last == .done)
        #expect(typed("A\u{4}").0.text == "A")
    }

    @Test("More than the limit is too long")
    func limit() { #expect(typed(String(repeating: "A", count: 101)).1.last == .tooLong) }

    @Test("No bytes trap")
    func bytes() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            var input = HiddenInput(limit: 64)
            for _ in 0..<80 { _ = input.take(UInt8.random(in: .min ... .max, using: &generator)) }
            #expect(input.text.utf8.count <= 3 * 81, "seed \(seed)")
        }
    }
}
