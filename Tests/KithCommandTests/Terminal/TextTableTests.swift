// SPDX-License-Identifier: Apache-2.0

import KithCommand
import Testing

@Suite("Tables")
struct TextTableTests {
    private func table() -> TextTable {
        var table = TextTable([.init("NAME"), .init("LOAD", .right), .init("MODELS", shrinks: true)])
        table.add(["desk", "1/4", "llama3.2, smollm2"])
        table.add(["机器", "10/16", ""])
        table.add(["e\u{301}te", "-"])
        return table
    }

    @Test("Columns are aligned by what a terminal shows, also with wide and combining characters")
    func alignment() {
        #expect(
            table().lines(width: nil, style: .plain) == [
                "NAME   LOAD  MODELS",
                "desk    1/4  llama3.2, smollm2",
                "机器  10/16",
                "e\u{301}te       -",
            ])
    }

    @Test("No line is wider than the terminal, as long as the columns that may shrink can", arguments: 19...40)
    func width(width: Int) {
        let lines = table().lines(width: width, style: .plain)
        #expect(lines.allSatisfy { $0.displayWidth <= width })
        if width < 30 { #expect(lines[1].hasSuffix("…")) }
    }

    @Test("What another machine sent cannot move the cursor or turn the text around")
    func controlCharacters() {
        var table = TextTable([.init("NAME")])
        table.add(["a\u{1B}[2Jb\nc\u{202E}d\u{2028}"])
        let text = table.lines(width: nil, style: .plain).joined()
        #expect(!text.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x202E || $0 == "\n" })
    }

    @Test(
        "Text is cut at whole characters and says so",
        arguments: [
            ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("机器机器", 5, "机器…"), ("机器机器", 4, "机…"), ("ab", 1, "…"), ("ab", 0, ""),
        ])
    func truncation(text: String, width: Int, expected: String) {
        #expect(text.truncated(toWidth: width) == expected)
    }

    @Test("Colours only on a terminal that wants them")
    func colours() {
        #expect(TerminalStyle(isTerminal: true, environment: [:]).dim("x") == "\u{1B}[2mx\u{1B}[0m")
        #expect(TerminalStyle(isTerminal: true, environment: ["NO_COLOR": ""]).dim("x") == "\u{1B}[2mx\u{1B}[0m")
        #expect(TerminalStyle(isTerminal: true, environment: ["NO_COLOR": "1"]).dim("x") == "x")
        #expect(TerminalStyle(isTerminal: true, environment: ["TERM": "dumb"]).dim("x") == "x")
        #expect(TerminalStyle(isTerminal: false, environment: [:]).red("x") == "x")
    }
}
