// SPDX-License-Identifier: Apache-2.0

/// A piece of code that means something by itself.
struct CodeToken: Sendable {
    enum Kind: Sendable {
        case word, number, string, symbol
    }

    /// Bytes of a word that are told apart.
    static let textLimit = 128

    var kind: Kind
    /// Empty for strings, which are looked at in the code itself.
    var text: String
    /// Of its first byte, counted from 1.
    var line: Int
    var lastLine: Int
    /// In the bytes of the code; for a string with its quotes.
    var bytes: Range<Int>

    func isSymbol(_ text: String) -> Bool { kind == .symbol && self.text == text }

    func isWord(_ text: String) -> Bool { kind == .word && self.text == text }
}

/// What is wrong with the code before its grammar is looked at.
struct LexicalProblem: Sendable {
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
    var problems: [LexicalProblem] = []
    /// Whether quotes and comments were told apart for certain; if not, brackets and names prove nothing.
    var isCertain = true
}
