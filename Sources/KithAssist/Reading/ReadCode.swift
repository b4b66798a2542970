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

    /// Whether what stands where is known: without it names and blocks prove nothing.
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

    /// In markup apostrophes are no quotes. Looked for in strings too, because what is one is not known then.
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
