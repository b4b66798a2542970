// SPDX-License-Identifier: Apache-2.0

/// One function of the code.
struct CodeFunction: Sendable {
    /// `nil` for one without a name.
    var name: String?
    var line: Int
    var lastLine: Int
    /// Tokens between the brackets of its parameters.
    var parameters: Range<Int>
    /// Tokens of what it does, without brackets around it.
    var body: Range<Int>
    var isDocumented = false
    /// How deep blocks are nested in it, and where.
    var nesting: (depth: Int, line: Int) = (0, 0)

    var lineCount: Int { lastLine - line + 1 }

    /// As it stands in a sentence.
    var words: String { name.map { "'\(ShownText.name($0))'" } ?? "a function without a name" }
}

/// Finds the functions of languages that put bodies in braces.
///
/// Only where a keyword or the form of the head leaves no doubt: a function that is missed is not counted, which is
/// better than a statement about something that is not a function.
enum BracedFunctions {
    /// Tokens of a head that are looked at.
    private static let headLimit = 64
    private static let keywords: Set<String> = ["func", "function", "fn", "fun", "init"]
    private static let control: Set<String> = [
        "if", "for", "while", "switch", "catch", "with", "return", "foreach", "synchronized", "using", "lock", "when",
        "match", "guard", "else", "do", "sizeof", "typeof", "until", "unless", "elseif", "defined", "constexpr",
        "repeat", "defer",
    ]
    /// Words that begin something other than a function.
    private static let others: Set<String> = [
        "var", "let", "const", "case", "subscript", "class", "struct", "enum", "extension", "protocol", "interface",
        "impl", "namespace", "get", "set", "willSet", "didSet",
    ]

    private struct Head {
        var name: String?
        var start: Int
        var parameters: Range<Int>
    }

    /// A brace that is open, and how deep it is within the function around it.
    private struct Open {
        var function: Int?
        var depth: Int
        var end: Int
    }

    static func find(in lexed: LexedCode, _ brackets: Brackets, _ language: CodeLanguage) -> [CodeFunction] {
        let tokens = lexed.tokens
        let commentLines = Set(lexed.comments.map(\.line))
        var found: [CodeFunction] = []
        var open: [Open] = []
        for (index, token) in tokens.enumerated() where token.isSymbol("{") {
            guard let end = brackets.partners[index] else { continue }
            while let last = open.last, last.end < index { open.removeLast() }
            if let head = head(before: index, in: tokens, brackets, language) {
                let line = tokens[head.start].line
                open.append(Open(function: found.count, depth: 0, end: end))
                found.append(
                    CodeFunction(
                        name: head.name, line: line, lastLine: tokens[end].line, parameters: head.parameters,
                        body: index + 1..<end, isDocumented: commentLines.contains(line - 1)))
            } else {
                let block = Open(function: open.last?.function, depth: (open.last?.depth ?? 0) + 1, end: end)
                open.append(block)
                if let function = block.function, block.depth > found[function].nesting.depth {
                    found[function].nesting = (block.depth, token.line)
                }
            }
        }
        return found
    }

    private static func head(
        before brace: Int, in tokens: [CodeToken], _ brackets: Brackets, _ language: CodeLanguage
    ) -> Head? {
        if language.isScript, brace > 0, tokens[brace - 1].isSymbol("=>") {
            return arrow(at: brace - 1, in: tokens, brackets)
        }
        if let head = keyword(before: brace, in: tokens, brackets) { return head }
        guard language == .c || language.isScript else { return nil }
        // Words such as `const` and `noexcept` may follow the parameters.
        var close = brace - 1
        while close >= 0, language == .c, tokens[close].kind == .word, !control.contains(tokens[close].text) {
            close -= 1
        }
        guard close >= 0, tokens[close].isSymbol(")"), let opener = brackets.partners[close] else { return nil }
        return named(before: opener, in: tokens, parameters: opener + 1..<close, language: language)
    }

    /// A head with a word that says what it is.
    private static func keyword(before brace: Int, in tokens: [CodeToken], _ brackets: Brackets) -> Head? {
        var opener: Int?
        var parameters = 0..<0
        var place = brace - 1
        for _ in 0..<headLimit where place >= 0 {
            let token = tokens[place]
            if let partner = brackets.partners[place], token.text == ")" || token.text == "]" {
                if token.text == ")" { (opener, parameters) = (partner, partner + 1..<place) }
                place = partner - 1
                continue
            }
            if token.kind == .symbol, ["{", "}", ";", "=", "(", "["].contains(token.text) { return nil }
            if token.kind == .word {
                if control.contains(token.text) || others.contains(token.text) { return nil }
                if keywords.contains(token.text) {
                    let isCall = place > 0 && tokens[place - 1].isSymbol(".")
                    guard let opener, !isCall else { return nil }
                    let next = place + 1
                    let name = next < opener && tokens[next].kind == .word ? tokens[next].text : nil
                    return Head(name: token.text == "init" ? "init" : name, start: place, parameters: parameters)
                }
            }
            place -= 1
        }
        return nil
    }

    /// `name(…) {`, in languages in which nothing else looks like that.
    private static func named(
        before opener: Int, in tokens: [CodeToken], parameters: Range<Int>, language: CodeLanguage
    ) -> Head? {
        guard opener > 0, tokens[opener - 1].kind == .word else { return nil }
        let name = tokens[opener - 1].text
        guard !control.contains(name) else { return nil }
        let before = opener > 1 ? tokens[opener - 2] : nil
        if let before, ["new", "return", "else", "await"].contains(before.text) || before.isSymbol(".") { return nil }
        if language == .c {
            // A type comes before.
            guard let before, before.kind == .word || before.isSymbol("*") || before.isSymbol("&") else { return nil }
        }
        return Head(name: name, start: opener - 1, parameters: parameters)
    }

    /// `name = (…) =>` or `name = word =>`.
    private static func arrow(at arrow: Int, in tokens: [CodeToken], _ brackets: Brackets) -> Head? {
        guard arrow > 0 else { return nil }
        let isBracket = tokens[arrow - 1].isSymbol(")")
        let start = isBracket ? brackets.partners[arrow - 1] : arrow - 1
        guard let start, isBracket || tokens[start].kind == .word else { return nil }
        let parameters = isBracket ? start + 1..<arrow - 1 : start..<arrow
        var place = start - 1
        if place > 0, tokens[place].isWord("async") { place -= 1 }
        guard place > 0, tokens[place].isSymbol("="), tokens[place - 1].kind == .word else {
            return Head(name: nil, start: start, parameters: parameters)
        }
        return Head(name: tokens[place - 1].text, start: place - 1, parameters: parameters)
    }
}

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
