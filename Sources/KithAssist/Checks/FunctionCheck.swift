// SPDX-License-Identifier: Apache-2.0

/// Functions that do nothing, are long, or nest deeply; defaults that calls share.
enum FunctionCheck {
    static let lineLimit = 60
    static let depthLimit = 4
    static let parameterLimit = 7

    static func findings(in code: ReadCode) -> [Finding] {
        code.functions.flatMap { function in
            [
                empty(function, in: code), long(function), deep(function), manyParameters(function, in: code),
            ].compactMap { $0 } + (code.language == .python ? sharedDefaults(of: function, in: code) : [])
        }
    }

    /// Functions that are not documented, for users who want to document their code.
    static func undocumented(in code: ReadCode) -> [Finding] {
        let functions = code.functions.filter { !$0.isDocumented && $0.name != nil }
        let what = code.language == .python ? "docstring" : "comment before it"
        return functions.prefix(8).map {
            Finding(.habit, line: $0.line, "Line \($0.line): function \($0.words) has no \(what)")
        }
    }

    private static func empty(_ function: CodeFunction, in code: ReadCode) -> Finding? {
        guard function.body.count <= 6 else { return nil }
        let tokens = code.tokens[function.body].filter { $0.kind != .string }
        let texts = tokens.prefix(4).map(\.text)
        let line = function.line
        if code.language == .python {
            if tokens.count == 1, ["pass", "..."].contains(texts[0]) {
                return Finding(
                    .note, line: line,
                    "Line \(line): function \(function.words) does nothing: its body is only '\(texts[0])'")
            }
            if texts.prefix(2) == ["raise", "NotImplementedError"], tokens.count <= 4 {
                return Finding(
                    .note, line: line,
                    "Line \(line): function \(function.words) is not written yet: it raises NotImplementedError")
            }
            return nil
        }
        guard code.tokens[function.body].isEmpty, function.name != nil, function.name != "init" else { return nil }
        return Finding(.note, line: line, "Line \(line): function \(function.words) does nothing: its body is empty")
    }

    private static func long(_ function: CodeFunction) -> Finding? {
        guard function.lineCount > lineLimit else { return nil }
        return Finding(
            .habit, line: function.line,
            "Function \(function.words) is \(function.lineCount) lines long (lines \(function.line)–\(function.lastLine))"
        )
    }

    private static func deep(_ function: CodeFunction) -> Finding? {
        guard function.nesting.depth > depthLimit else { return nil }
        return Finding(
            .habit, line: function.nesting.line,
            "Line \(function.nesting.line): blocks are nested \(function.nesting.depth) deep in \(function.words)")
    }

    private static func manyParameters(_ function: CodeFunction, in code: ReadCode) -> Finding? {
        let count = parameters(of: function, in: code).count
        guard count > parameterLimit else { return nil }
        return Finding(
            .habit, line: function.line, "Line \(function.line): function \(function.words) takes \(count) parameters")
    }

    private static func sharedDefaults(of function: CodeFunction, in code: ReadCode) -> [Finding] {
        parameters(of: function, in: code).compactMap { parameter in
            guard let sign = parameter.first(where: { code.tokens[$0].isSymbol("=") }), sign + 1 < parameter.upperBound,
                let name = code.token(parameter.lowerBound), name.kind == .word
            else { return nil }
            let value = code.tokens[sign + 1]
            let isMade =
                ["list", "dict", "set"].contains(value.text) && code.token(sign + 2)?.isSymbol("(") == true
            guard value.isSymbol("[") || value.isSymbol("{") || isMade else { return nil }
            return Finding(
                .fault, line: name.line,
                "Line \(name.line): the default of '\(ShownText.name(name.text))' in \(function.words) is made once and shared by all calls"
            )
        }
    }

    /// Token ranges between the commas of the head.
    private static func parameters(of function: CodeFunction, in code: ReadCode) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var (start, place) = (function.parameters.lowerBound, function.parameters.lowerBound)
        while place < function.parameters.upperBound {
            if code.tokens[place].isSymbol(",") {
                if start < place { found.append(start..<place) }
                start = place + 1
            }
            place = max(place, code.brackets.partners[place] ?? place) + 1
        }
        if start < function.parameters.upperBound { found.append(start..<function.parameters.upperBound) }
        return found
    }
}
