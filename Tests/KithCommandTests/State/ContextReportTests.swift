// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import Testing

@Suite("The context for people")
struct ContextReportTests {
    static func value(_ value: JSONValue, by source: String = "vscode", at node: String = "desk")
        -> StateMessage.ContextValue
    {
        StateMessage.ContextValue(
            value: value, source: source, writtenAt: "2026-03-01T12:00:59.000000Z", node: node)
    }

    static func entry(_ key: String, _ values: StateMessage.ContextValue...) -> StateMessage.ContextEntry {
        StateMessage.ContextEntry(key: key, isConflict: values.count > 1, values: values)
    }

    private func lines(_ entries: [StateMessage.ContextEntry]) -> [String] {
        ContextReport(entries, width: nil, style: .plain).lines
    }

    @Test("Each value has its key, its writer, where and when")
    func table() {
        #expect(
            lines([Self.entry("branch", Self.value("main")), Self.entry("cursor", Self.value(["line": 12]))]) == [
                "KEY     VALUE        BY      AT    WRITTEN",
                "branch  main         vscode  desk  2026-03-01 12:00 UTC",
                "cursor  {\"line\":12}  vscode  desk  2026-03-01 12:00 UTC",
            ])
    }

    @Test("A conflict shows all values, and how one is chosen")
    func conflict() {
        var other = Self.value("feature", by: "ABCDEFG-HIJKLMN", at: "laptop")
        other.sourceName = "laptop"
        let lines = lines([Self.entry("the branch", Self.value("main"), other)])
        #expect(lines[1].contains("main") && lines[2].contains("feature") && lines[2].contains("laptop  laptop"))
        #expect(!lines.joined().contains("ABCDEFG"))
        #expect(lines.last?.hasPrefix("CONFLICT: the branch has 2 values") == true)
        #expect(lines.last?.hasSuffix("kith context set 'the branch' VALUE") == true)
    }

    @Test("Where nothing is known, the command that writes is named")
    func none() { #expect(lines([]).first?.contains("kith context set KEY VALUE") == true) }

    @Test("What another machine wrote cannot move the cursor")
    func hostile() {
        let evil = Self.entry("k\u{1B}[2J", Self.value("v\u{1B}]0;x\u{7}\nsecond", by: "\u{202E}s", at: "n\u{9B}"))
        let texts =
            lines([evil]) + ContextReport.full(evil.values[0]) + [ContextReport.origin(evil.values[0])]
            + ContextReport.written(evil) + ContextReport.removed([evil.key])
        for scalar in texts.joined().unicodeScalars {
            #expect(![.control, .format].contains(scalar.properties.generalCategory), "\(scalar.value)")
        }
        #expect(ContextReport.full(evil.values[0]).count == 2)
    }

    @Test("What was written is told, and that others have to be chosen from when they came meanwhile")
    func written() {
        #expect(ContextReport.written(Self.entry("branch", Self.value("main"))) == ["branch is main"])
        let conflict = Self.entry("branch", Self.value("main"), Self.value("feature"))
        #expect(ContextReport.written(conflict).count == 2)
        #expect(ContextReport.removed([]) == ["there was no context"])
        #expect(ContextReport.removed(["a", "b"]) == ["removed a, b, here and on all your devices"])
    }
}

@Suite("Values as they are typed")
struct ContextValueTextTests {
    @Test(
        "Objects, arrays, numbers, true and false are JSON, everything else is text",
        arguments: [
            (#"{"line": 12}"#, ["line": 12]), ("[1, 2]", [1, 2]), ("12", 12), ("2.5", 2.5), ("true", true),
            ("null", "null"), (#""quoted""#, #""quoted""#), ("main", "main"), ("", ""), ("1e999", "1e999"),
            ("{", "{"), ("12 34", "12 34"), ("-", "-"),
        ] as [(String, JSONValue)])
    func read(text: String, value: JSONValue) { #expect(ContextValueText.value(text) == value) }

    @Test("Text is shown without quotes, all else as JSON")
    func shown() {
        #expect(ContextValueText.text("main") == "main")
        #expect(ContextValueText.text([1, nil, "a"]) == #"[1,null,"a"]"#)
        #expect(ContextValueText.text(.number(.infinity)) == "?")
    }
}
