// SPDX-License-Identifier: Apache-2.0

import KithAssist
import KithModel
import Testing

@Suite("What an engine is asked about code")
struct AssistPromptTests {
    private func user(_ prompt: AssistPrompt) throws -> String {
        try #require(prompt.request.messages.last).content.text
    }

    @Test("The code stands between fences, with what the editor told")
    func whole() throws {
        let reading = CodeReading("def function():\n    pass", language: "python", path: "example.py")
        let prompt = AssistPrompt(
            reading, action: .analyze, language: "python", path: "example.py", cursor: .init(line: 1, column: 0))
        #expect(
            try user(prompt) == """
                Find what is wrong or weak in the code, and say how to improve it.
                Language: python
                File: example.py
                Cursor: line 1, column 0

                ```python
                def function():
                    pass
                ```
                """)
        #expect(prompt.request.messages.map(\.role) == [.system, .user])
        #expect(prompt.request.sampling == SamplingOptions(maxTokens: 400, temperature: 0.2))
    }

    @Test("Code cannot end the fence around it")
    func fence() throws {
        let text = try user(AssistPrompt(CodeReading("a\n````\nb"), action: .analyze))
        #expect(text.hasSuffix("`````\na\n````\nb\n`````"))
    }

    @Test("Each known action has words of its own, an unknown one is passed on in its own")
    func actions() throws {
        let known = ["analyze", "explain", "refactor", "document", "test", "fix", "review", "complete"]
        let first = try known.map { name in
            let action = try #require(AssistAction(rawValue: name))
            return try user(AssistPrompt(CodeReading("x"), action: action)).prefix { $0 != "\n" }
        }
        #expect(Set(first).count == known.count)
        let other = try #require(AssistAction(rawValue: "translate to Rust"))
        #expect(
            try user(AssistPrompt(CodeReading("x"), action: other)).hasPrefix(
                "The task, in the words of the one who asks: translate to Rust\n"))
    }

    @Test("Long code is cut around the cursor, and that is said", arguments: [nil, 1, 900, 2_000, 99_999] as [Int?])
    func cut(line: Int?) throws {
        let code = (1...2_000).map { "line_number_\($0) = \($0)\n" }.joined()
        let text = try user(
            AssistPrompt(CodeReading(code, language: "python"), action: .analyze, cursor: line.map { .init(line: $0) }))
        #expect(text.utf8.count < AssistPrompt.codeLimit + 400)
        #expect(text.contains("the rest was left out for its length"))
        #expect(text.contains("line_number_\(min(line ?? 1, 2_000)) = "))
    }

    @Test("One line without end is cut too")
    func oneLine() throws {
        let text = try user(AssistPrompt(CodeReading(String(repeating: "é", count: 500_000)), action: .analyze))
        #expect(text.utf8.count < AssistPrompt.codeLimit + 400)
    }

    @Test("An action is short plain text", arguments: ["", " ", "a\nb", String(repeating: "x", count: 65)])
    func unusableActions(text: String) {
        #expect(AssistAction(rawValue: text) == nil)
    }
}
