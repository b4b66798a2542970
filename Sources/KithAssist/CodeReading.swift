// SPDX-License-Identifier: Apache-2.0

/// What can be said of code without an engine: statements that are true of this code, with the lines they are about.
///
/// In one pass or a few over at most 256 KiB, whatever the bytes are.
package struct CodeReading: Sendable {
    package static let findingLimit = 20

    package let language: CodeLanguage
    /// The most important first.
    package let findings: [Finding]
    package let lineCount: Int
    package let functionCount: Int
    /// Whether quotes, brackets and blocks were understood.
    private let isSound: Bool
    /// The part that was read, without the values of secrets: what an engine may see.
    package let shownCode: String

    /// - Parameters:
    ///   - language: As the client names it.
    ///   - path: The name of the file, with or without folders.
    package init(_ code: String, language: String? = nil, path: String? = nil, action: AssistAction = .analyze) {
        let source = SourceText(code)
        let known = CodeLanguage(named: language, path: path, code: source.bytes)
        let read = ReadCode(source, language: known, path: path)
        self.language = known
        lineCount = source.lines.count
        functionCount = read.functions.count
        isSound = read.isSound
        shownCode = String(decoding: read.withoutSecrets, as: UTF8.self)
        findings = Self.findings(in: read, action: action)
    }

    /// As sentences; when nothing was found, one that says what was looked at.
    package var sentences: [String] { findings.isEmpty ? [nothingFound] : findings.map(\.text) }

    private static func findings(in code: ReadCode, action: AssistAction) -> [Finding] {
        guard code.source.lines.contains(where: { !code.source.isBlank($0) }) else {
            return [
                Finding(.broken, line: 0, "The code is empty: there is nothing to \(action == .fix ? "fix" : "read")")
            ]
        }
        var found =
            BalanceCheck.findings(in: code) + LayoutCheck.findings(in: code) + CredentialCheck.findings(in: code)
            + HabitCheck.findings(in: code) + ErrorCheck.findings(in: code) + FunctionCheck.findings(in: code)
            + UnusedCheck.findings(in: code) + RepetitionCheck.findings(in: code) + MarkerCheck.findings(in: code)
        if code.language == .python { found += PythonBlockCheck.findings(in: code) }
        if action == .document { found += FunctionCheck.undocumented(in: code) }
        if code.source.isCut {
            found.append(
                Finding(
                    .note, line: 0,
                    "Only the first \(SourceText.limit / 1_024) KiB of the code were read, up to line \(code.source.lines.count)"
                ))
        }
        if found.isEmpty, code.language != .other, code.tokens.isEmpty {
            found.append(
                Finding(
                    .note, line: 0,
                    "There are only comments in these \(ShownText.count(code.source.lines.count, "line"))"))
        }
        return Array(
            found.sorted { ($0.weight, $0.line, $0.text) < ($1.weight, $1.line, $1.text) }.prefix(findingLimit))
    }

    private var nothingFound: String {
        let lines = ShownText.count(lineCount, "line")
        guard isSound else {
            return """
                Nothing stands out in \(lines) of \(language.words), whose grammar was not read; looked for mixed \
                indentation, long lines, repetition, credentials and notes left for later
                """
        }
        return """
            Nothing stands out in \(lines) of \(language.words) with \(ShownText.count(functionCount, "function")); looked at \
            brackets and quotes, indentation, lengths and nesting, lost errors, credentials, unused names and repetition
            """
    }
}
