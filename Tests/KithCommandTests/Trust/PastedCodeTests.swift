// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithTesting
import Testing

@Suite("Codes as they are pasted")
struct PastedCodeTests {
    @Test(
        "Lines, spaces, a terminal's marks and typographic dashes do not matter",
        arguments: [
            "ABC-DEF", " ABC-DEF\n", "ABC-\r\nDEF\r\n", "ABC - DEF", "ABC\nDEF", "\u{1B}[200~ABC-DEF\u{1B}[201~\n",
            "ABC\u{2011}DEF", "ABC\u{2013}DEF", "\u{FEFF}ABC-DEF\u{200B}", "\tABC-\u{A0}DEF",
        ])
    func clean(text: String) throws { #expect(try PastedCode.clean(text) == "ABC-DEF") }

    @Test("Of all that an invitation printed the code is taken, on one line or broken into two")
    func first() throws {
        let code = "FAO2UHME-7BYAV3A4-MEKAPLBX-KXJ7K5ZX-AR7QAAAB-DQG5RAI"
        let rest = "\non the other machine, run kith join and paste the code\nit works once, for 10 minutes"
        #expect(PastedCode.first(in: code + rest) == code)
        let broken = code.replacing("-KXJ7", with: "\n-KXJ7")
        #expect(PastedCode.first(in: broken + rest) == broken)
        #expect(PastedCode.first(in: "no code" + rest) == "no code" + rest)
    }

    @Test("A code that was pasted twice is one", arguments: ["", "\n", " "])
    func twice(between: String) throws {
        let code = "FAO2UHME-7BYAV3A4-MEKAPLBX-KXJ7K5ZX-AR7QAAAB-DQG5RAI"
        #expect(try PastedCode.clean(code + between + code) == code.filter { $0 != "-" })
        #expect(try PastedCode.clean("ABC-ABC") == "ABC-ABC")
    }

    @Test("Words stay apart")
    func words() throws { #expect(try PastedCode.clean(" one  two\tthree\r\nfour ") == "one-two-three-four") }

    @Test("What is no code at all is left to the node to refuse")
    func other() throws { #expect(try PastedCode.clean("grüße!") == "grüße!") }

    @Test(
        "Nothing, and more than a code ever is, are refused",
        arguments: ["", " \n\r\n", String(repeating: "A", count: 5_000)])
    func refused(text: String) {
        #expect(throws: CommandError.self) { try PastedCode.clean(text) }
    }

    @Test("Spoilt text never passes on a space or a control character")
    func spoilt() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let bytes = Mutations.spoil(Array("ABCDEFG-HIJKLMN\r\n OPQRSTU".utf8), using: &generator)
            guard let code = try? PastedCode.clean(String(decoding: bytes, as: UTF8.self)) else { continue }
            #expect(code.printable == code && !code.contains(where: \.isWhitespace), "seed \(seed)")
        }
    }
}
