// SPDX-License-Identifier: Apache-2.0

/// Errors that are caught and lost.
enum ErrorCheck {
    static func findings(in code: ReadCode) -> [Finding] {
        guard code.isSound else { return [] }
        return code.language == .python ? python(code) : braced(code)
    }

    private static func python(_ code: ReadCode) -> [Finding] {
        var (bare, lost): ([Int], [Int]) = ([], [])
        for (index, statement) in code.statements.enumerated() {
            let tokens = statement.tokens
            guard code.tokens[tokens.lowerBound].isWord("except") else { continue }
            if code.token(tokens.lowerBound + 1)?.isSymbol(":") == true { bare.append(statement.line) }
            guard let colon = tokens.last(where: { code.tokens[$0].isSymbol(":") }) else { continue }
            let inline = colon + 1..<tokens.upperBound
            guard let body = inline.isEmpty ? onlyStatement(under: index, in: code.statements) : inline else {
                continue
            }
            if body.count == 1, ["pass", "..."].contains(code.tokens[body.lowerBound].text) {
                lost.append(statement.line)
            }
        }
        return [
            Finding(.fault, lines: bare, "a bare 'except:' catches everything, the interruption by the user included"),
            Finding(.fault, lines: lost, "the error is caught and nothing is done about it"),
        ].compactMap { $0 }
    }

    private static func onlyStatement(under index: Int, in statements: [LogicalLine]) -> Range<Int>? {
        let block = statements[(index + 1)...].prefix(2).prefix { $0.indent > statements[index].indent }
        return block.count == 1 ? block.first?.tokens : nil
    }

    private static func braced(_ code: ReadCode) -> [Finding] {
        let lines = code.tokens.indices.filter { index in
            guard code.tokens[index].isWord("catch") else { return false }
            var place = index + 1
            if code.token(place)?.isSymbol("(") == true { place = (code.brackets.partners[place] ?? place) + 1 }
            return code.token(place)?.isSymbol("{") == true && code.token(place + 1)?.isSymbol("}") == true
        }.map { code.tokens[$0].line }
        return [Finding(.fault, lines: lines, "the error is caught and nothing is done about it")].compactMap { $0 }
    }
}
