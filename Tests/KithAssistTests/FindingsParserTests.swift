// SPDX-License-Identifier: Apache-2.0

import KithAssist
import KithTesting
import Testing

@Suite("Suggestions in what a model wrote")
struct FindingsParserTests {
    static let texts: [(text: String, suggestions: [String])] = [
        ("- One.\n- Two.", ["One.", "Two."]),
        ("Here are some points:\n\n* One\n  goes on.\n* Two", ["One goes on.", "Two"]),
        ("1. One\n2) Two\n(3) Three\n", ["One", "Two", "Three"]),
        ("- One.\n\n- One.\n- one.", ["One."]),
        (#"["One.", "Two \"quoted\" \u00e9."]"#, ["One.", "Two \"quoted\" é."]),
        ("```json\n[{\"line\": 1, \"message\": \"One.\"}, {\"message\": \"Tw", ["One."]),
        ("First paragraph\nof two lines.\n\nSecond one.", ["First paragraph of two lines.", "Second one."]),
        ("# **Title**\n\n- **Bold** start.", ["Title", "Bold start."]),
        ("- def function():\n- pass\n- Real.", ["Real."]),
        ("```python\nx = 1\n```\n- Real.", ["Real."]),
        ("", []), ("---\n***\n1.\n- \n", []),
        ("I cannot say.", ["I cannot say."]),
    ]

    @Test("Lists, numbers, JSON and paragraphs are taken apart", arguments: texts.indices)
    func forms(index: Int) {
        let parser = FindingsParser(action: .analyze, code: "def function():\n    pass")
        #expect(parser.suggestions(in: Self.texts[index].text) == Self.texts[index].suggestions)
    }

    @Test("What a limit cut off is dropped, unless it is all there is")
    func cut() {
        let parser = FindingsParser(action: .analyze, code: "")
        #expect(parser.suggestions(in: "- One.\n- Two is n", ending: .cut) == ["One."])
        #expect(parser.suggestions(in: "- One is n", ending: .cut) == ["One is n"])
    }

    @Test("New code is kept where code was asked for")
    func code() throws {
        let answer = "- Written out.\n\n```python\ndef function():\n    return 1\n```"
        let fix = try #require(AssistAction(rawValue: "fix"))
        let old = "def function():\n    pass"
        #expect(
            FindingsParser(action: fix, code: old).suggestions(in: answer) == [
                "Written out.", "def function():\n    return 1",
            ])
        #expect(FindingsParser(action: fix, code: old).suggestions(in: "```\n\(old)\n```") == [])
    }

    @Test("There are at most twelve, none of them long")
    func bounds() {
        let parser = FindingsParser(action: .analyze, code: "")
        let many = (1...40).map { "- point number \($0)\n" }.joined()
        #expect(parser.suggestions(in: many).count == 12)
        let long = parser.suggestions(in: String(repeating: "long ", count: 100_000))
        #expect(long.count == 1)
        #expect(long.allSatisfy { $0.utf8.count <= FindingsParser.textLimit })
    }

    @Test("Spoilt text is taken apart, and never traps", arguments: 1...6 as ClosedRange<UInt64>)
    func spoilt(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let fix = try #require(AssistAction(rawValue: "fix"))
        for (text, _) in Self.texts {
            for _ in 0..<100 {
                let spoilt = String(decoding: Mutations.spoil(Array(text.utf8), using: &generator), as: UTF8.self)
                for parser in [FindingsParser(action: .analyze, code: spoilt), FindingsParser(action: fix, code: "")] {
                    let suggestions = parser.suggestions(in: spoilt, ending: .cut)
                    #expect(suggestions.count <= FindingsParser.suggestionLimit)
                    #expect(suggestions.allSatisfy { !$0.isEmpty && $0.utf8.count <= FindingsParser.codeLimit })
                }
            }
        }
    }
}
