// SPDX-License-Identifier: Apache-2.0

/// Imports and local names that nothing refers to. Only where a name stands nowhere else, strings included.
enum UnusedCheck {
    static func findings(in code: ReadCode) -> [Finding] {
        guard code.isSound else { return [] }
        return report(imports(in: code), in: code, "is imported and not used")
            + report(locals(in: code), in: code, "is set and never read")
    }

    private struct Binding {
        var name: String
        var line: Int
    }

    private static func report(_ bindings: [Binding], in code: ReadCode, _ words: String) -> [Finding] {
        bindings.filter { !$0.name.hasPrefix("_") && code.words[$0.name] == 1 }.prefix(8).map {
            Finding(.habit, line: $0.line, "Line \($0.line): '\(ShownText.name($0.name))' \(words) in this code")
        }
    }

    // MARK: Imports

    private static func imports(in code: ReadCode) -> [Binding] {
        switch code.language {
        case .python:
            code.path?.hasSuffix("__init__.py") == true ? [] : code.statements.flatMap { python($0, in: code) }
        case .javaScript, .typeScript: script(code)
        case .swift, .c, .braces, .other: []
        }
    }

    private static func python(_ statement: LogicalLine, in code: ReadCode) -> [Binding] {
        let tokens = Array(code.tokens[statement.tokens])
        let first = tokens[0].text
        guard first == "import" || first == "from" else { return [] }
        if first == "from", tokens.count > 1, tokens[1].text == "__future__" { return [] }
        guard let start = tokens.firstIndex(where: { $0.isWord("import") }) else { return [] }
        let items = tokens[(start + 1)...].filter { !$0.isSymbol("(") && !$0.isSymbol(")") }.split { $0.isSymbol(",") }
        return items.compactMap { item in
            guard let head = item.first, head.kind == .word, let last = item.last else { return nil }
            // `import a.b` binds `a`; `as` binds what follows; `as` with the same name exports it.
            let isRenamed = item.dropLast().last?.isWord("as") == true
            if isRenamed, last.text == head.text { return nil }
            return Binding(name: isRenamed ? last.text : head.text, line: head.line)
        }
    }

    private static func script(_ code: ReadCode) -> [Binding] {
        var bindings: [Binding] = []
        for index in code.tokens.indices where code.tokens[index].isWord("import") {
            guard code.token(index + 1)?.isSymbol("(") != true, code.token(index - 1)?.isSymbol(".") != true else {
                continue
            }
            let clause = code.tokens[(index + 1)...].prefix(200).prefix { !$0.isWord("from") && $0.kind != .string }
            guard code.token(clause.endIndex)?.isWord("from") == true else { continue }
            for place in clause.indices where code.tokens[place].kind == .word {
                let token = code.tokens[place]
                let isRenamed = code.token(place + 1)?.isWord("as") == true
                if isRenamed || ["as", "type", "React"].contains(token.text) { continue }
                bindings.append(Binding(name: token.text, line: token.line))
            }
        }
        return bindings
    }

    // MARK: Local names

    private static func locals(in code: ReadCode) -> [Binding] {
        let isLocal = localPlaces(in: code)
        switch code.language {
        case .python:
            return code.statements.compactMap { statement in
                let place = statement.tokens.lowerBound
                guard statement.tokens.count > 2, code.tokens[place].kind == .word,
                    code.tokens[place + 1].isSymbol("="),
                    isLocal[place], let owner = statement.owner,
                    !code.tokens[code.statements[owner].tokens.lowerBound].isWord("class")
                else { return nil }
                return Binding(name: code.tokens[place].text, line: code.tokens[place].line)
            }
        case .javaScript, .typeScript, .swift:
            let words: Set<String> = code.language == .swift ? ["let", "var"] : ["let", "var", "const"]
            return code.tokens.indices.compactMap { place in
                guard words.contains(code.tokens[place].text), let name = code.token(place + 1), name.kind == .word,
                    code.token(place + 2)?.isSymbol("=") == true, isLocal[place], isStatement(place, in: code)
                else { return nil }
                return Binding(name: name.text, line: name.line)
            }
        case .c, .braces, .other: return []
        }
    }

    /// For each token whether it is part of a function.
    private static func localPlaces(in code: ReadCode) -> [Bool] {
        var changes = [Int](repeating: 0, count: code.tokens.count + 1)
        for function in code.functions {
            changes[function.body.lowerBound] += 1
            changes[function.body.upperBound] -= 1
        }
        var depth = 0
        return changes.map { change in
            depth += change
            return depth > 0
        }
    }

    /// Not part of a condition such as `if let`, and not a member of a type within the function.
    private static func isStatement(_ place: Int, in code: ReadCode) -> Bool {
        guard let before = code.token(place - 1) else { return false }
        return before.line < code.tokens[place].line && !before.isSymbol(",") && !before.isSymbol("(")
            && !["if", "guard", "while", "case", "lazy", "static", "private"].contains(before.text)
            && !before.isSymbol("@") && code.token(place - 2)?.isSymbol("@") != true
    }
}
