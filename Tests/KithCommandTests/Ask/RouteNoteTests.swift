// SPDX-License-Identifier: Apache-2.0

import KithCommand
import Testing

@Suite("The note of who answered")
struct RouteNoteTests {
    @Test(
        "The header of a node is read, with quotes and semicolons inside them",
        arguments: [
            (
                #"node=desk; model="smollm2"; reason=shortest-wait; skipped="laptop:no-engine, old:down(a; b)""#,
                RouteNote(
                    node: "desk", model: "smollm2", reason: "shortest-wait", skipped: "laptop:no-engine, old:down(a; b)"
                )
            ),
            ("node=desk", RouteNote(node: "desk")),
            ("NODE = desk ;later=1", RouteNote(node: " desk")),
            ("", RouteNote()), (";;=;\"", RouteNote()),
        ])
    func header(text: String, expected: RouteNote) {
        #expect(RouteNote(header: text) == expected)
    }

    @Test(
        "The line below an answer says who and how fast, and on request why",
        arguments: [
            (
                RouteNote(node: "desk", model: "m", reason: "only", skipped: "a:down"), 41, 1_000, 2_345, false,
                "— answered by desk (m), 41 tokens/s, 2.3 s"
            ),
            (
                RouteNote(
                    node: "desk", model: "m", reason: "shortest-wait", skipped: "a:down(refused, twice), b:new-word"),
                41,
                1_000, 2_345, true,
                "— answered by desk (m), 41 tokens/s, 2.3 s: the shortest wait; not a: it cannot be reached: refused, twice; "
                    + "not b: new-word"
            ),
            (RouteNote(), nil, 1_000, 61_000, true, "— answered by an unnamed machine, 61 s"),
            (RouteNote(node: "desk"), 100, 10, 900, false, "— answered by desk, 0.9 s"),
        ] as [(RouteNote, Int?, Int, Int, Bool, String)])
    func line(route: RouteNote, tokens: Int?, writing: Int, total: Int, isDetailed: Bool, text: String) {
        let pace = AnswerNote.Pace(tokens: tokens, writing: .milliseconds(writing), total: .milliseconds(total))
        #expect(AnswerNote(route, pace).text(isDetailed: isDetailed) == text)
    }

    @Test("What a node calls itself writes nothing to the terminal")
    func harmless() {
        let pace = AnswerNote.Pace(tokens: nil, writing: .zero, total: .zero)
        #expect(!AnswerNote(RouteNote(node: "a\u{1B}[2J"), pace).text(isDetailed: true).contains("\u{1B}"))
    }
}
