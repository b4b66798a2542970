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

/// Blocks of Python that its own compiler would refuse, and statements that are never reached.
enum PythonBlockCheck {
    private static let openers: Set<String> = [
        "def", "class", "if", "elif", "else", "for", "while", "try", "except", "finally", "with",
    ]
    private static let leavers: Set<String> = ["return", "raise", "break", "continue"]

    static func findings(in code: ReadCode) -> [Finding] {
        misplaced(in: code) + heads(in: code) + unreachable(in: code)
    }

    /// A selection may begin in the middle of a line, and may end further out than it began; both are no errors.
    private static func misplaced(in code: ReadCode) -> [Finding] {
        var lines: [Int] = []
        var indents: [Int] = []
        for (index, statement) in code.statements.enumerated() {
            if let last = indents.last, statement.indent > last {
                let isOpened = endsOpen(code.statements[index - 1], in: code)
                if !isOpened, index == 1 { indents = [] } else if !isOpened { lines.append(statement.line) }
            }
            let base = indents.first
            while let last = indents.last, last > statement.indent { indents.removeLast() }
            if let base, statement.indent >= base, let last = indents.last, last != statement.indent,
                !endsOpen(code.statements[index - 1], in: code), !lines.contains(statement.line)
            {
                lines.append(statement.line)
            }
            if indents.last != statement.indent { indents.append(statement.indent) }
        }
        return [Finding(.broken, lines: lines, "the indentation fits no block around it")].compactMap { $0 }
    }

    private static func heads(in code: ReadCode) -> [Finding] {
        var bare: [Finding] = []
        var empty: [Int] = []
        for (index, statement) in code.statements.enumerated() {
            guard let word = opener(of: statement, in: code) else { continue }
            let next = code.statements.indices.contains(index + 1) ? code.statements[index + 1] : nil
            if !hasColon(statement, in: code) {
                let line = statement.line
                bare.append(Finding(.broken, line: line, "Line \(line): '\(word)' begins a block and has no ':'"))
            } else if endsOpen(statement, in: code), next.map({ $0.indent <= statement.indent }) ?? true {
                empty.append(statement.line)
            }
        }
        return bare.prefix(4)
            + [Finding(.broken, lines: empty, "a block is begun and nothing is indented under it")].compactMap { $0 }
    }

    private static func unreachable(in code: ReadCode) -> [Finding] {
        zip(code.statements, code.statements.dropFirst()).compactMap { statement, next in
            let word = code.tokens[statement.tokens.lowerBound]
            guard word.kind == .word, leavers.contains(word.text), next.indent == statement.indent,
                !isLater(next, in: code)
            else { return nil }
            return Finding(
                .fault, line: next.line,
                "Line \(next.line) is never reached, because line \(statement.line) leaves by '\(word.text)'")
        }.prefix(4).map { $0 }
    }

    private static func opener(of statement: LogicalLine, in code: ReadCode) -> String? {
        var place = statement.tokens.lowerBound
        if code.tokens[place].isWord("async") { place += 1 }
        guard let token = code.token(place), token.kind == .word else { return nil }
        if openers.contains(token.text) { return token.text }
        // `match` and `case` are ordinary names elsewhere.
        let isSoft = ["match", "case"].contains(token.text) && endsOpen(statement, in: code)
        return isSoft ? token.text : nil
    }

    private static func endsOpen(_ statement: LogicalLine, in code: ReadCode) -> Bool {
        code.token(statement.tokens.upperBound - 1)?.isSymbol(":") == true
    }

    private static func hasColon(_ statement: LogicalLine, in code: ReadCode) -> Bool {
        var place = statement.tokens.lowerBound
        while place < statement.tokens.upperBound {
            if code.tokens[place].isSymbol(":") { return true }
            // What stands in brackets does not end the head.
            place = max(place, code.brackets.partners[place] ?? place) + 1
        }
        return false
    }

    /// Whether a statement goes on with what came before the block, as `else` does.
    private static func isLater(_ statement: LogicalLine, in code: ReadCode) -> Bool {
        ["elif", "else", "except", "finally", "case"].contains(code.tokens[statement.tokens.lowerBound].text)
    }
}
