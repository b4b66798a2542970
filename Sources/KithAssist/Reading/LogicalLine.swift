// SPDX-License-Identifier: Apache-2.0

/// A statement of Python: one line, or several that brackets, strings or a backslash hold together.
struct LogicalLine: Sendable {
    var tokens: Range<Int>
    var line: Int
    var lastLine: Int
    /// Columns, with tabs to the next multiple of 8 as Python counts them.
    var indent: Int
    /// The statement that it is indented under, by its place among all.
    var owner: Int?

    static func lines(of tokens: [CodeToken], in source: SourceText) -> [LogicalLine] {
        var lines: [LogicalLine] = []
        var depth = 0
        for (index, token) in tokens.enumerated() {
            let isContinued =
                index > 0 && (depth > 0 || token.line == tokens[index - 1].lastLine || tokens[index - 1].isSymbol("\\"))
            if isContinued, let last = lines.indices.last {
                lines[last].tokens = lines[last].tokens.lowerBound..<index + 1
                lines[last].lastLine = token.lastLine
            } else {
                lines.append(
                    LogicalLine(
                        tokens: index..<index + 1, line: token.line, lastLine: token.lastLine,
                        indent: columns(of: source.indentation(of: token.line))))
            }
            if token.kind == .symbol {
                if ["(", "[", "{"].contains(token.text) { depth += 1 }
                if [")", "]", "}"].contains(token.text) { depth -= 1 }
            }
        }
        return owned(lines)
    }

    private static func owned(_ lines: [LogicalLine]) -> [LogicalLine] {
        var lines = lines
        var open: [Int] = []
        for index in lines.indices {
            while let last = open.last, lines[last].indent >= lines[index].indent { open.removeLast() }
            lines[index].owner = open.last
            open.append(index)
        }
        return lines
    }

    private static func columns(of indentation: ArraySlice<UInt8>) -> Int {
        indentation.reduce(0) { $1 == UInt8(ascii: "\t") ? ($0 / 8 + 1) * 8 : $0 + 1 }
    }
}
