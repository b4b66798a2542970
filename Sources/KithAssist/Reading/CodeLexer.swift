// SPDX-License-Identifier: Apache-2.0

/// A piece of code that means something by itself.
struct CodeToken: Sendable {
    enum Kind: Sendable {
        case word, number, string, symbol
    }

    /// Most bytes of a word that are compared.
    static let textLimit = 128

    var kind: Kind
    /// Empty for strings, which are looked at in the code itself.
    var text: String
    /// The line of its first byte, counted from 1.
    var line: Int
    var lastLine: Int
    /// Its range in the bytes of the code; for a string including the quotes.
    var bytes: Range<Int>

    func isSymbol(_ text: String) -> Bool { kind == .symbol && self.text == text }

    func isWord(_ text: String) -> Bool { kind == .word && self.text == text }
}

/// What is wrong with the code before its grammar is looked at.
struct LexicalError: Sendable {
    enum Kind: Sendable {
        case openString, openComment
    }

    var kind: Kind
    var line: Int
}

/// Code in tokens.
struct LexedCode: Sendable {
    struct Comment: Sendable {
        var line: Int
        var bytes: Range<Int>
    }

    var tokens: [CodeToken] = []
    var comments: [Comment] = []
    var problems: [LexicalError] = []
    /// Whether quotes and comments were told apart for certain; if not, brackets and names prove nothing.
    var isCertain = true
}

/// Cuts code into tokens, so that nothing which stands in a string or a comment is taken for code.
///
/// In one pass and without recursion, whatever the bytes are.
struct CodeLexer {
    /// Most bytes of a regular expression; a slash without an end within them is a division.
    private static let expressionLimit = 256

    /// A string that is interrupted by code, and goes on at the bracket which closes that.
    private struct Interruption {
        var string: StringRule
        var closer: UInt8
        /// Brackets of that kind that are open within the code.
        var depth = 0
    }

    private let bytes: [UInt8]
    private let language: CodeLanguage
    private var index = 0
    private var line = 1
    private var interruptions: [Interruption] = []
    private var lexed = LexedCode()

    static func lex(_ bytes: [UInt8], as language: CodeLanguage) -> LexedCode {
        guard language != .other else { return LexedCode(isCertain: false) }
        var lexer = CodeLexer(bytes, language)
        lexer.run()
        return lexer.lexed
    }

    private init(_ bytes: [UInt8], _ language: CodeLanguage) {
        self.bytes = bytes
        self.language = language
    }

    private mutating func run() {
        while index < bytes.count {
            let byte = bytes[index]
            if byte == .newline {
                line += 1
                index += 1
            } else if byte <= 0x20 || byte == 0x7F {
                index += 1
            } else if isCommentStart {
                takeComment()
            } else if let rule = StringRule(at: index, in: bytes, language: language) {
                takeString(rule, from: index, contents: index + rule.opening)
            } else if byte == UInt8(ascii: "'") {
                takeApostrophe()
            } else if byte.isDigit {
                takeNumber()
            } else if byte.isWordByte {
                takeWord()
            } else if byte == UInt8(ascii: "/"), let end = expressionEnd {
                append(.string, upTo: end)
            } else {
                takeSymbol()
            }
        }
        if !interruptions.isEmpty { problem(.openString, line: line) }
    }

    private mutating func append(_ kind: CodeToken.Kind, upTo end: Int) {
        let range = index..<min(end, bytes.count)
        let text = kind == .string ? "" : String(decoding: bytes[range].prefix(CodeToken.textLimit), as: UTF8.self)
        lexed.tokens.append(CodeToken(kind: kind, text: text, line: line, lastLine: line, bytes: range))
        index = range.upperBound
    }

    private mutating func problem(_ kind: LexicalError.Kind, line: Int) {
        lexed.isCertain = false
        if lexed.problems.count < 8 { lexed.problems.append(LexicalError(kind: kind, line: line)) }
    }

    private func has(_ text: StaticString, at place: Int) -> Bool {
        place + text.utf8CodeUnitCount <= bytes.count
            && text.withUTF8Buffer { $0.elementsEqual(bytes[place..<place + $0.count]) }
    }

    // MARK: Comments

    private var isCommentStart: Bool {
        language == .python ? bytes[index] == UInt8(ascii: "#") : has("//", at: index) || has("/*", at: index)
    }

    private mutating func takeComment() {
        let (start, startLine) = (index, line)
        if has("/*", at: index) {
            takeBlockComment()
        } else {
            index = bytes[index...].firstIndex(of: .newline) ?? bytes.count
        }
        lexed.comments.append(.init(line: startLine, bytes: start..<index))
    }

    private mutating func takeBlockComment() {
        let startLine = line
        var depth = 0
        while index < bytes.count {
            if has("*/", at: index) {
                index += 2
                depth -= 1
                if depth == 0 { return }
            } else if has("/*", at: index), depth == 0 || language == .swift {
                index += 2
                depth += 1
            } else {
                if bytes[index] == .newline { line += 1 }
                index += 1
            }
        }
        problem(.openComment, line: startLine)
    }

    // MARK: Strings

    /// - Parameter start: The start of the token that begins here; `nil` after an interruption.
    private mutating func takeString(_ rule: StringRule, from start: Int?, contents: Int) {
        let startLine = line
        index = contents
        while index < bytes.count {
            if rule.closes(at: index, in: bytes) {
                index += rule.closing.count
                if let start { appendString(start..<index, startLine) }
                return
            }
            if let closer = rule.interruption(at: index, in: bytes) {
                if let start { appendString(start..<index, startLine) }
                index += rule.hashes + 2
                interruptions.append(Interruption(string: rule, closer: closer))
                return
            }
            if bytes[index] == .newline {
                guard rule.spansLines else { break }
                line += 1
            } else if bytes[index] == UInt8(ascii: "\\"), rule.hashes == 0, rule.escapes, index + 1 < bytes.count {
                index += 1
                if bytes[index] == .newline { line += 1 }
            }
            index += 1
        }
        index = min(index, bytes.count)
        if let start { appendString(start..<index, startLine) }
        if language == .braces {
            lexed.isCertain = false  // in some of these languages such a string goes on
        } else {
            problem(.openString, line: startLine)
        }
    }

    private mutating func appendString(_ range: Range<Int>, _ startLine: Int) {
        lexed.tokens.append(CodeToken(kind: .string, text: "", line: startLine, lastLine: line, bytes: range))
    }

    /// A character in C's manner, the lifetime of a Rust reference, or something that is not understood.
    private mutating func takeApostrophe() {
        if let end = characterEnd {
            append(.string, upTo: end)
            return
        }
        let next = index + 1 < bytes.count ? bytes[index + 1] : 0
        if language != .braces || !next.isWordByte { lexed.isCertain = false }
        index += 1
    }

    private var characterEnd: Int? {
        let rest = bytes[min(index + 1, bytes.count)...].prefix(12)
        guard let first = rest.first, first != .newline, first != UInt8(ascii: "'") else { return nil }
        if first == UInt8(ascii: "\\") {
            return rest.dropFirst(2).firstIndex(of: UInt8(ascii: "'")).map { $0 + 1 }
        }
        let scalarEnd = rest.dropFirst().firstIndex { $0 & 0xC0 != 0x80 }
        return scalarEnd.flatMap { bytes[$0] == UInt8(ascii: "'") ? $0 + 1 : nil }
    }

    /// The end of a regular expression, if the slash here begins one: where a value can stand, and closed on its line.
    private var expressionEnd: Int? {
        guard language.isScript || language == .swift else { return nil }
        if let last = lexed.tokens.last {
            switch last.kind {
            case .number, .string: return nil
            case .word: guard ["return", "typeof", "case", "in", "of", "await"].contains(last.text) else { return nil }
            case .symbol: if [")", "]", "}"].contains(last.text) { return nil }
            }
        }
        var inClass = false
        var place = index + 1
        while place < min(bytes.count, index + Self.expressionLimit), bytes[place] != .newline {
            switch bytes[place] {
            case UInt8(ascii: "\\"): place += 1
            case UInt8(ascii: "["): inClass = true
            case UInt8(ascii: "]"): inClass = false
            case UInt8(ascii: "/") where !inClass: return place + 1
            default: break
            }
            place += 1
        }
        return nil
    }

    // MARK: Words and symbols

    private mutating func takeNumber() {
        let end = bytes[index...].firstIndex { !$0.isWordByte && $0 != UInt8(ascii: ".") } ?? bytes.count
        // C++ and others part digits by apostrophes.
        guard language == .c, end + 1 < bytes.count, bytes[end] == UInt8(ascii: "'"), bytes[end + 1].isDigit else {
            return append(.number, upTo: end)
        }
        let rest = bytes[end...].firstIndex { !$0.isWordByte && $0 != UInt8(ascii: "'") } ?? bytes.count
        append(.number, upTo: rest)
    }

    private mutating func takeWord() {
        let end = bytes[index...].firstIndex { !$0.isWordByte } ?? bytes.count
        // A prefix such as `rb` belongs to the string.
        if end - index <= 3, end < bytes.count, language == .python || language == .c,
            let rule = StringRule(at: end, in: bytes, language: language, prefix: bytes[index..<end])
        {
            return takeString(rule, from: index, contents: end + rule.opening)
        }
        append(.word, upTo: end)
    }

    private mutating func takeSymbol() {
        let byte = bytes[index]
        if let last = interruptions.indices.last {
            let closer = interruptions[last].closer
            if byte == closer, interruptions[last].depth == 0 {
                let interruption = interruptions.removeLast()
                return takeString(interruption.string, from: nil, contents: index + 1)
            }
            if byte == closer { interruptions[last].depth -= 1 }
            if byte == (closer == UInt8(ascii: ")") ? UInt8(ascii: "(") : UInt8(ascii: "{")) {
                interruptions[last].depth += 1
            }
        }
        append(.symbol, upTo: index + symbolLength)
    }

    /// The length of the symbol here; symbols of several characters are kept together only where a check needs it.
    private var symbolLength: Int {
        let second = index + 1 < bytes.count ? bytes[index + 1] : 0
        let third = index + 2 < bytes.count ? bytes[index + 2] : 0
        switch (bytes[index], second) {
        case (UInt8(ascii: "="), UInt8(ascii: "=")), (UInt8(ascii: "!"), UInt8(ascii: "=")):
            return third == UInt8(ascii: "=") ? 3 : 2
        case (UInt8(ascii: "."), UInt8(ascii: ".")): return third == UInt8(ascii: ".") ? 3 : 1
        case (UInt8(ascii: "="), UInt8(ascii: ">")), (UInt8(ascii: "-"), UInt8(ascii: ">")),
            (UInt8(ascii: ":"), UInt8(ascii: ":")):
            return 2
        case (_, UInt8(ascii: "=")): return Self.assigned.contains(bytes[index]) ? 2 : 1
        default: return 1
        }
    }

    /// What may stand before an equals sign as one symbol with it.
    private static let assigned: [UInt8] = Array(":<>+-*/|&".utf8)
}

extension UInt8 {
    static let newline = UInt8(ascii: "\n")

    var isDigit: Bool { 0x30...0x39 ~= self }

    /// Letters of other scripts count as they come, without being decoded.
    var isWordByte: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x24, 0x80...0xFF: true
        default: false
        }
    }
}
