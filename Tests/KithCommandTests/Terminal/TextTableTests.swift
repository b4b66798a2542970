// SPDX-License-Identifier: Apache-2.0

import KithCommand
import Testing

@Suite("Tables")
struct TextTableTests {
    private func table() -> TextTable {
        var table = TextTable([
            .init("NAME", .first), .init("LOAD", .useful, .right), .init("MODELS", .needed, least: 6),
        ])
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

    @Test("No line is wider than the terminal, however narrow it is", arguments: 1...40)
    func width(width: Int) {
        let lines = table().lines(width: width, style: .plain)
        #expect(lines.allSatisfy { $0.displayWidth <= width })
    }

    @Test("Text shrinks before a column is left out, and only down to the width that still tells something")
    func shrinking() {
        #expect(table().lines(width: 29, style: .plain)[1] == "desk    1/4  llama3.2, smoll…")
        #expect(table().lines(width: 19, style: .plain)[1] == "desk    1/4  llama…")
        #expect(table().lines(width: 18, style: .plain)[1] == "desk  llama3.2, s…")
    }

    private func request(_ id: String = "4bf92f35") -> TextTable {
        var table = TextTable([
            .init("WHEN", .useful), .init("REQUEST", .first), .init("NODE", .needed, least: 12),
            .init("TOKENS", .extra, .right), .init("WHY", .extra, least: 10),
        ])
        table.add(["2026-03-01 12:00 UTC", id, "a-machine-with-a-long-name", "1200", "it was the only one"])
        return table
    }

    @Test(
        "What matters least is left out first, and a line below says how much",
        arguments: [
            (100, "2026-03-01 12:00 UTC  4bf92f35  a-machine-with-a-long-name    1200  it was the only one", nil),
            (80, "2026-03-01 12:00 UTC  4bf92f35  a-machine-with-a-long-name    1200  it was the …", nil),
            (
                60, "2026-03-01 12:00 UTC  4bf92f35  a-machine-with-a-lo…    1200",
                "1 more column in a wider terminal, or with --json"
            ),
            (44, "2026-03-01 12:00 UTC  4bf92f35  a-machine-w…", "2 more columns: --json"),
            (40, "4bf92f35  a-machine-with-a-long…    1200", "2 more columns: --json"),
            (18, "4bf92f35  a-machi…", "3 more columns: -…"),
            (12, "4bf92f35", "4 more colu…"), (6, "4bf92…", "4 mor…"),
        ])
    func leftOut(width: Int, row: String, note: String?) {
        let lines = request().lines(width: width, style: .plain)
        #expect(lines[1] == row)
        #expect(lines.dropFirst(2).first == note)
    }

    @Test("What a command that follows is told is whole as long as the terminal is that wide, whatever has to go")
    func names() {
        let id = String(repeating: "name", count: 10)
        #expect(request(id).lines(width: 40, style: .plain)[1] == id)
        #expect(request(id).lines(width: 39, style: .plain)[1] == id.dropLast(2) + "…")
    }

    @Test("Wide characters are cut within the width, and what was cut stays as wide in ASCII")
    func wide() {
        var table = TextTable([.init("NAME", .needed, least: 6), .init("LOAD", .needed, .right)])
        table.add(["机器机器机器机器", "1/4"])
        for width in 12...24 {
            let lines = table.lines(width: width, style: .plain)
            #expect(lines.allSatisfy { $0.displayWidth <= width })
            #expect(lines[1].hasSuffix(" 1/4"))
        }
        let lines = table.lines(width: 15, style: .plain)
        #expect(lines[1] == "机器机器…   1/4")
        #expect(TerminalText(lines: [lines[1]]).ascii == "机器机器~   1/4\n")
    }

    @Test("The titles and the line about what is left out are dim; a picture has no such line")
    func dim() {
        let lines = request().lines(width: 40, style: .coloured)
        #expect(lines.first?.hasPrefix("\u{1B}[2m") == true)
        #expect(lines.last == TerminalStyle.coloured.dim("2 more columns: --json"))
        #expect(request().rowsOnly(width: 40, style: .plain).count == 2)
    }

    @Test("What another machine sent cannot move the cursor or turn the text around")
    func controlCharacters() {
        var table = TextTable([.init("NAME", .first)])
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
