// SPDX-License-Identifier: Apache-2.0

/// Quotes, comments and brackets that are not closed.
enum BalanceCheck {
    static func findings(in code: ReadCode) -> [Finding] {
        code.lexed.problems.map { problem in
            switch problem.kind {
            case .openString:
                Finding(.broken, line: problem.line, "Line \(problem.line): a string is opened and not closed")
            case .openComment:
                Finding(.broken, line: problem.line, "Line \(problem.line): a comment is opened and not closed")
            }
        } + brackets(of: code)
    }

    private static func brackets(of code: ReadCode) -> [Finding] {
        guard let problem = code.brackets.problem else { return [] }
        switch problem {
        case .open(let index):
            let line = code.tokens[index].line
            return [
                Finding(.broken, line: line, "Line \(line): '\(code.tokens[index].text)' is opened and never closed")
            ]
        case .stray(let index):
            let line = code.tokens[index].line
            return [Finding(.broken, line: line, "Line \(line): '\(code.tokens[index].text)' closes nothing")]
        case .mismatch(let opener, let closer):
            let (first, second) = (code.tokens[opener], code.tokens[closer])
            return [
                Finding(
                    .broken, line: second.line,
                    "Line \(second.line): '\(second.text)' stands where the '\(first.text)' of line \(first.line) must be closed"
                )
            ]
        }
    }
}
