// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

struct TerminalTextTests {
    @Test func `Of a report's escape sequences only kith's own styles reach the terminal`() {
        let style = TerminalStyle.coloured
        let forgotten = "desk\u{1B}[2J\u{1B}]0;title\u{7}\nforged line"
        let shown = TerminalText(lines: [style.red("bad") + " " + forgotten]).text
        #expect(shown == "\u{1B}[31mbad\u{1B}[0m desk␛[2J␛]0;title␇ forged line\n")
    }

    @Test func `Where the locale is not UTF-8, signs are ASCII of the same width, and names stay as they are`() {
        let text = TerminalText(lines: ["✓ desk → laptop … — ü \u{1B}"])
        #expect(text.ascii == "+ desk > laptop ~ - ü ?\n")
    }

    @Test(
        "The first locale that is set counts",
        arguments: [
            ([:], false), (["LANG": "C"], false), (["LANG": "de_DE.UTF-8"], true), (["LANG": "C.utf8"], true),
            (["LANG": "en_GB.UTF-8", "LC_ALL": "C"], false), (["LC_ALL": "", "LC_CTYPE": "UTF-8"], true),
        ] as [([String: String], Bool)])
    func locale(environment: [String: String], isUTF8: Bool) {
        #expect(TerminalText.isUTF8(environment) == isUTF8)
    }

    @Test func `A style that another machine's text begins ends with its line`() {
        #expect(TerminalText(lines: ["\u{1B}[31mx"]).text == "\u{1B}[31mx\u{1B}[0m\n")
    }

    @Test func `Concealed and blinking text is no style of kith's`() {
        #expect(TerminalText(lines: ["\u{1B}[8mx\u{1B}[5my"]).text == "␛[8mx␛[5my\n")
    }

    @Test func `An answer is harmless in a terminal, and what the model wrote in a file`() {
        let answer = "one\r\n\u{1B}[2Jtwo\n"
        #expect(TerminalText(answer: answer, isTerminal: true).text == "one\n␛[2Jtwo\n")
        #expect(TerminalText(answer: answer, isTerminal: false).text == answer)
    }

    @Test func `JSON means the same, and no terminal acts on it`() throws {
        let value = JSONValue.string("a\u{9B}31m\u{202E}b\u{7F}é")
        let json = String(decoding: value.jsonBytes, as: UTF8.self)
        let shown = TerminalText(json: json).text
        #expect(!shown.unicodeScalars.contains(where: HarmlessText.isHarmful))
        #expect(JSONValue(json: shown) == value)
    }

    @Test func `A line that a node sends instead of JSON cannot act either`() {
        #expect(TerminalText(json: "\u{1B}[2J{}\n").text == "\\u001b[2J{}\n")
    }
}
