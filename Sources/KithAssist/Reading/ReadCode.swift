// SPDX-License-Identifier: Apache-2.0

/// Code with everything that the checks need to know of it.
struct ReadCode: Sendable {
    let source: SourceText
    let language: CodeLanguage
    let path: String?
    let lexed: LexedCode
    let brackets: Brackets
    /// Python's statements; empty for other languages, and where the grammar is not certain.
    let statements: [LogicalLine]
    let functions: [CodeFunction]
    /// How often each word stands in code and strings, comments left out.
    let words: [String: Int]

    var tokens: [CodeToken] { lexed.tokens }

    /// Whether the structure of the code is known; if not, names and blocks prove nothing.
    let isSound: Bool

    init(_ source: SourceText, language: CodeLanguage, path: String?) {
        self.source = source
        self.language = language
        self.path = path
        var lexed = CodeLexer.lex(source.bytes, as: language)
        // The end is missing, so that nothing is proven by it.
        if source.isCut { lexed.problems = [] }
        let hasMarkup = language.isScript && Self.holdsMarkup(source.bytes)
        if hasMarkup { lexed.problems = [] }
        let isPlain = lexed.isCertain && !source.isCut && !hasMarkup && !Self.isConditional(lexed.tokens, language)
        brackets = isPlain ? Brackets(lexed.tokens) : Brackets([])
        isSound = isPlain && brackets.problem == nil
        statements = isSound && language == .python ? LogicalLine.lines(of: lexed.tokens, in: source) : []
        functions =
            !isSound
            ? []
            : language == .python
                ? PythonFunctions.find(in: lexed.tokens, statements, brackets)
                : BracedFunctions.find(in: lexed, brackets, language)
        words = isSound ? Self.count(lexed.tokens, in: source) : [:]
        self.lexed = lexed
    }

    func token(_ index: Int) -> CodeToken? { tokens.indices.contains(index) ? tokens[index] : nil }

    /// In markup apostrophes are not quotes. Strings are searched too, because it is not known then what is a string.
    private static func holdsMarkup(_ bytes: [UInt8]) -> Bool {
        zip(bytes, bytes.dropFirst()).contains { first, second in
            first == UInt8(ascii: "<") && second == UInt8(ascii: "/")
                || first == UInt8(ascii: "/") && second == UInt8(ascii: ">")
        }
    }

    /// The branches of a preprocessor each bring brackets of their own.
    private static func isConditional(_ tokens: [CodeToken], _ language: CodeLanguage) -> Bool {
        guard language == .c || language == .swift || language == .braces else { return false }
        return zip(tokens, tokens.dropFirst()).contains { first, second in
            first.isSymbol("#") && ["else", "elif", "elseif"].contains(second.text)
        }
    }

    private static func count(_ tokens: [CodeToken], in source: SourceText) -> [String: Int] {
        var counts: [String: Int] = [:]
        for token in tokens {
            if token.kind == .word {
                counts[token.text, default: 0] += 1
            } else if token.kind == .string {
                for word in source.bytes[token.bytes].split(whereSeparator: { !$0.isWordByte }) {
                    counts[String(decoding: word.prefix(CodeToken.textLimit), as: UTF8.self), default: 0] += 1
                }
            }
        }
        return counts
    }
}

/// Code as bytes and lines.
struct SourceText: Sendable {
    /// Bytes that are looked at; what comes after is left unread, and that is said.
    static let limit = 256 << 10

    let bytes: [UInt8]
    /// Without the ends of lines.
    let lines: [Range<Int>]
    /// Whether there was more.
    let isCut: Bool

    init(_ code: String) {
        let utf8 = code.utf8
        isCut = utf8.count > Self.limit
        bytes = Array(utf8.prefix(Self.limit))
        var lines: [Range<Int>] = []
        var start = 0
        for (index, byte) in bytes.enumerated() where byte == .newline {
            lines.append(Self.withoutReturn(start..<index, in: bytes))
            start = index + 1
        }
        if start < bytes.count { lines.append(Self.withoutReturn(start..<bytes.count, in: bytes)) }
        self.lines = lines
    }

    private static func withoutReturn(_ line: Range<Int>, in bytes: [UInt8]) -> Range<Int> {
        guard let last = line.last, bytes[last] == UInt8(ascii: "\r") else { return line }
        return line.lowerBound..<last
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// - Parameter line: Counted from 1.
    func indentation(of line: Int) -> ArraySlice<UInt8> {
        guard lines.indices.contains(line - 1) else { return [] }
        return bytes[lines[line - 1]].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }

    /// The line without white space at either end.
    func trimmed(_ line: Range<Int>) -> ArraySlice<UInt8> {
        let content = bytes[line].drop { $0 <= 0x20 }
        guard let last = content.lastIndex(where: { $0 > 0x20 }) else { return [] }
        return content[...last]
    }

    func isBlank(_ line: Range<Int>) -> Bool { bytes[line].allSatisfy { $0 <= 0x20 } }
}

/// Which bracket closes which.
struct Brackets: Sendable {
    enum Problem: Sendable {
        /// Token that nothing closes.
        case open(Int)
        /// Token that closes nothing.
        case stray(Int)
        /// Token that closes a bracket of another kind.
        case mismatch(opener: Int, closer: Int)
    }

    /// The partner of each bracket, by token.
    private(set) var partners: [Int: Int] = [:]
    private(set) var problem: Problem?

    private static let closers = ["(": ")", "[": "]", "{": "}"]

    init(_ tokens: [CodeToken]) {
        var open: [Int] = []
        for (index, token) in tokens.enumerated() where token.kind == .symbol {
            switch token.text {
            case "(", "[", "{": open.append(index)
            case ")", "]", "}":
                guard let opener = open.popLast() else {
                    problem = .stray(index)
                    return
                }
                guard Self.closers[tokens[opener].text] == token.text else {
                    problem = .mismatch(opener: opener, closer: index)
                    return
                }
                partners[opener] = index
                partners[index] = opener
            default: break
            }
        }
        problem = open.last.map { .open($0) }
    }
}

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
