// SPDX-License-Identifier: Apache-2.0

import KithAssist
import KithTesting
import Testing

@Suite("Code that was made to do harm", .timeLimit(.minutes(5)))
struct HostileCodeTests {
    static let languages = ["python", "javascript", "swift", "c", "rust", ""]

    static let shapes: [(name: String, code: String)] = {
        let size = 16 << 10
        func fill(_ text: String) -> String { String(repeating: text, count: size / text.utf8.count) }
        let half = 8 << 10
        return [
            ("one line", fill("x")), ("words", fill("ab ")), ("brackets", fill("(")), ("braces", fill("{")),
            ("nested", String(repeating: "{", count: half) + String(repeating: "}", count: half)),
            ("nested functions", String(repeating: "f(){", count: half / 4) + String(repeating: "}", count: half / 4)),
            ("quotes", fill("\"")), ("apostrophes", fill("'a ")), ("backslashes", fill("\\")),
            ("templates", fill("`${")),
            ("interpolations", fill("\"\\(")), ("comments", fill("/*")), ("hashes", fill("#\"")),
            ("slashes", fill("a=/[")),
            ("NUL", fill("\0")), ("newlines", fill("\n")), ("equal lines", fill("let value = other + 1\n")),
            ("definitions", fill("def f():\n pass\n")), ("locals", fill("function a(){let b=1\n}")),
            ("excepts", fill("except: pass\n")),
            ("indents", (0..<150).map { String(repeating: " ", count: $0) + "if x:\n" }.joined()),
            ("imports", fill("import a\n")), ("secrets", fill("password='aB3456x'\n")), ("arrows", fill("x=>{")),
            ("emoji", fill("👩‍👩‍👧‍👦")), ("right to left", fill("a\u{202E}b ")),
        ]
    }()

    @Test("Is read within bounds, whatever its shape", arguments: shapes.map(\.name))
    func bounded(name: String) async throws {
        let code = try #require(Self.shapes.first { $0.name == name }).code
        for language in Self.languages {
            expectBounds(CodeReading(code, language: language))
            await Task.yield()  // to the tests that wait for something
        }
    }

    @Test("A mebibyte is read as far as the limit, and that is said")
    func tooLong() {
        let reading = CodeReading(String(repeating: "def f():\n    pass\n", count: 60_000), language: "python")
        expectBounds(reading)
        #expect(reading.sentences.contains { $0.hasPrefix("Only the first 256 KiB of the code were read") })
    }

    @Test("Spoilt code of every language is read, and never traps", arguments: 1...6 as ClosedRange<UInt64>)
    func spoilt(seed: UInt64) async {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let samples = CodeReadingTests.samples + CodeReadingTests.innocents
        for sample in samples {
            for _ in 0..<5 {
                let bytes = Mutations.spoil(Array(sample.code.utf8), using: &generator)
                let code = String(decoding: bytes, as: UTF8.self)
                let other = Self.languages.randomElement(using: &generator) ?? ""
                for language in [sample.language, other] { expectBounds(CodeReading(code, language: language)) }
                await Task.yield()
            }
        }
    }

    @Test("Random bytes are read, and never trap", arguments: 1...6 as ClosedRange<UInt64>)
    func random(seed: UInt64) async {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for length in 0..<40 {
            let bytes = (0..<length * 9).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            for language in Self.languages {
                expectBounds(CodeReading(String(decoding: bytes, as: UTF8.self), language: language))
                await Task.yield()
            }
        }
    }

    private func expectBounds(_ reading: CodeReading, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect((1...CodeReading.findingLimit).contains(reading.sentences.count), sourceLocation: sourceLocation)
        for sentence in reading.sentences {
            #expect((1...Finding.textLimit).contains(sentence.utf8.count), sourceLocation: sourceLocation)
            #expect(
                !sentence.unicodeScalars.contains { [.control, .format].contains($0.properties.generalCategory) },
                sourceLocation: sourceLocation)
        }
    }
}
