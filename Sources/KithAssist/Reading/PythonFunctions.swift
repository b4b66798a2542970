// SPDX-License-Identifier: Apache-2.0

/// Finds the functions of Python code by its indentation.
enum PythonFunctions {
    fileprivate struct Open {
        var function: CodeFunction
        var indent: Int
        /// Indentations of the blocks within.
        var blocks: [Int] = []
    }

    static func find(in tokens: [CodeToken], _ statements: [LogicalLine], _ brackets: Brackets) -> [CodeFunction] {
        var found: [CodeFunction] = []
        var open: [Open] = []
        func close() {
            let inner = open.removeLast().function
            found.append(inner)
            if let outer = open.indices.last { open[outer].extend(to: inner.lastLine, inner.body.upperBound) }
        }
        for (index, statement) in statements.enumerated() {
            while let last = open.last, statement.indent <= last.indent { close() }
            if let last = open.indices.last { open[last].take(statement) }
            if let function = function(at: index, in: statements, tokens, brackets) {
                open.append(Open(function: function, indent: statement.indent))
            }
        }
        while !open.isEmpty { close() }
        return found.sorted { $0.line < $1.line }
    }

    private static func function(
        at index: Int, in statements: [LogicalLine], _ tokens: [CodeToken], _ brackets: Brackets
    ) -> CodeFunction? {
        let statement = statements[index]
        var place = statement.tokens.lowerBound
        if tokens[place].isWord("async") { place += 1 }
        guard place + 2 < statement.tokens.upperBound, tokens[place].isWord("def"), tokens[place + 1].kind == .word,
            tokens[place + 2].isSymbol("("), let close = brackets.partners[place + 2],
            let colon = (close..<statement.tokens.upperBound).first(where: { tokens[$0].isSymbol(":") })
        else { return nil }
        var function = CodeFunction(
            name: tokens[place + 1].text, line: statement.line, lastLine: statement.lastLine,
            parameters: place + 3..<close, body: colon + 1..<statement.tokens.upperBound)
        let next = statements.indices.contains(index + 1) ? statements[index + 1] : nil
        let first = function.body.first ?? next.flatMap { $0.indent > statement.indent ? $0.tokens.lowerBound : nil }
        function.isDocumented = first.map { tokens[$0].kind == .string } ?? false
        return function
    }
}

extension PythonFunctions.Open {
    mutating func take(_ statement: LogicalLine) {
        extend(to: statement.lastLine, statement.tokens.upperBound)
        while let last = blocks.last, statement.indent < last { blocks.removeLast() }
        if blocks.last != statement.indent { blocks.append(statement.indent) }
        if blocks.count - 1 > function.nesting.depth { function.nesting = (blocks.count - 1, statement.line) }
    }

    mutating func extend(to line: Int, _ token: Int) {
        function.lastLine = max(function.lastLine, line)
        function.body = function.body.lowerBound..<max(function.body.upperBound, token)
    }
}
