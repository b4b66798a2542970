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

    @Test("The sentence names who answered and why, as far as it is known")
    func sentence() {
        #expect(RouteNote().sentence == "— answered by an unnamed node")
        #expect(
            RouteNote(node: "desk", model: "m", reason: "only", skipped: "a:down").sentence
                == "— answered by desk (m): only; skipped a:down")
        #expect(!RouteNote(node: "a\u{1B}[2J").sentence.contains("\u{1B}"))
    }
}
