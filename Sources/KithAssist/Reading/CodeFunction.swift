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
