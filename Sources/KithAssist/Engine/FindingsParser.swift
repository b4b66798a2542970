// SPDX-License-Identifier: Apache-2.0

/// Makes suggestions of what a model wrote, whatever form it chose: a list, numbers, a JSON array, paragraphs.
package struct FindingsParser: Sendable {
    /// How the text ended.
    package enum Ending: Sendable {
        case whole
        /// In the middle, by a limit: the last piece is dropped if others came before it.
        case cut
    }

    package static let suggestionLimit = 12
    /// Most bytes of a sentence.
    package static let textLimit = 500
    /// Most bytes of a block of code, where one was asked for.
    package static let codeLimit = 2_000
    /// Most bytes of the model's text that are looked at.
    package static let inputLimit = 64 << 10

    private let action: AssistAction
    /// Lines of the code, to recognise them.
    private let codeLines: Set<String>

    package init(action: AssistAction, code: String) {
        self.action = action
        codeLines = Set(code.split(separator: "\n").map(Self.squeezed).filter { !$0.isEmpty })
    }

    /// - Returns: At most ``suggestionLimit``, without repetitions, and without what only repeats the code.
    package func suggestions(in text: String, ending: Ending = .whole) -> [String] {
        let text = String(decoding: text.utf8.prefix(Self.inputLimit), as: UTF8.self)
        var pieces = Self.array(in: text) ?? blocks(in: text)
        if ending == .cut, pieces.count > 1 { pieces.removeLast() }
        var seen: Set<String> = []
        return Array(
            pieces.compactMap(suggestion).filter { seen.insert(Self.squeezed($0[...]).lowercased()).inserted }
                .prefix(Self.suggestionLimit))
    }

    private enum Piece {
        case text(String)
        case code(String)
    }

    private func suggestion(_ piece: Piece) -> String? {
        switch piece {
        case .text(let text):
            let plain = Self.plain(text)
            guard plain.contains(where: \.isLetter), !isEcho(plain) else { return nil }
            return plain.cut(toBytes: Self.textLimit)
        case .code(let code):
            guard action.wantsCode, !isEcho(code), code.contains(where: { !$0.isWhitespace }) else { return nil }
            return code.cut(toBytes: Self.codeLimit)
        }
    }

    /// Whether every line stands in the code.
    private func isEcho(_ text: String) -> Bool {
        text.split(separator: "\n").map(Self.squeezed).allSatisfy { $0.isEmpty || codeLines.contains($0) }
    }

    /// Without white space, so that another indentation makes no difference.
    private static func squeezed(_ text: Substring) -> String { text.filter { !$0.isWhitespace && $0 != "`" } }

    /// One line without marks of lists and headings, and without control characters.
    private static func plain(_ text: String) -> String {
        let words = text.unicodeScalars.map { scalar -> Character in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: " "
            default: Character(scalar)
            }
        }
        var line = String(words).split(separator: " ").joined(separator: " ")
        while let mark = ["#", ">", "**"].first(where: { line.hasPrefix($0) }) { line.removeFirst(mark.count) }
        if line.hasSuffix("**") { line.removeLast(2) }
        line = line.replacingPairs(of: "**")
        return String(line.drop { $0 == " " })
    }

    // MARK: Lists and paragraphs

    private func blocks(in text: String) -> [Piece] {
        var pieces: [Piece] = []
        var (paragraph, code): ([String], [Substring]?) = ([], nil)
        var hasItems = false
        /// Ends what was being read; a line before a list that only announces it is no suggestion.
        func close(announcing: Bool = false) {
            defer { paragraph = [] }
            guard !paragraph.isEmpty else { return }
            let isAnnouncement = paragraph.last?.hasSuffix(":") == true && (announcing || !hasItems)
            if !isAnnouncement { pieces.append(.text(paragraph.joined(separator: " "))) }
        }
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            let trimmed = line.drop { $0 == " " || $0 == "\t" }
            if trimmed.hasPrefix("```") {
                if let lines = code {
                    pieces.append(.code(lines.joined(separator: "\n")))
                    code = nil
                } else {
                    close()
                    code = []
                }
            } else if code != nil {
                code?.append(line)
            } else if trimmed.isEmpty {
                close()
            } else if let item = Self.item(trimmed) {
                close(announcing: true)
                hasItems = true
                paragraph = [String(item)]
            } else {
                paragraph.append(String(trimmed))
            }
        }
        close()
        if let code { pieces.append(.code(code.joined(separator: "\n"))) }
        return pieces
    }

    /// What follows the mark of a list's item; `nil` when there is none.
    private static func item(_ line: Substring) -> Substring? {
        for mark in ["- ", "* ", "• ", "– ", "+ "] where line.hasPrefix(mark) { return line.dropFirst(mark.count) }
        let inner = line.hasPrefix("(") ? line.dropFirst() : line
        let digits = inner.prefix(3).prefix { $0.isASCII && $0.isNumber }
        let rest = inner.dropFirst(digits.count)
        guard !digits.isEmpty, let sign = rest.first, sign == "." || sign == ")", rest.dropFirst().first == " " else {
            return nil
        }
        return rest.dropFirst(2)
    }

    // MARK: JSON

    /// The texts of a JSON array, or of the objects in one, complete or cut off; `nil` when the text is none.
    private static func array(in text: String) -> [Piece]? {
        var body = text.drop(while: \.isWhitespace)
        if body.hasPrefix("```") { body = body.drop { !$0.isNewline }.drop(while: \.isWhitespace) }
        guard body.hasPrefix("[") || body.hasPrefix("{") else { return nil }
        var scanner = JSONTexts(body)
        let texts = scanner.values()
        return texts.isEmpty ? nil : texts.map { .text($0) }
    }
}

extension String {
    /// Without a mark that stands around words.
    fileprivate func replacingPairs(of mark: String) -> String {
        var result = ""
        var rest = self[...]
        while let place = rest.firstRange(of: mark) {
            result += rest[..<place.lowerBound]
            rest = rest[place.upperBound...]
        }
        return result + rest
    }
}

/// Reads the string values out of JSON that a model wrote and that may break off: whole strings only, and no keys.
struct JSONTexts {
    private static let countLimit = 64

    private let characters: [Character]
    private var index = 0

    init(_ text: Substring) { characters = Array(text.unicodeScalars.map { Character($0) }) }

    mutating func values() -> [String] {
        var values: [String] = []
        while index < characters.count, values.count < Self.countLimit {
            guard characters[index] == "\"" else {
                index += 1
                continue
            }
            guard let text = string() else { break }
            let next = characters[index...].first { !$0.isWhitespace }
            if next != ":" { values.append(text) }
        }
        return values
    }

    /// - Returns: `nil` when the text ends before the string does.
    private mutating func string() -> String? {
        var text = ""
        index += 1
        while index < characters.count {
            let character = characters[index]
            index += 1
            if character == "\"" { return text }
            guard character == "\\" else {
                text.append(character)
                continue
            }
            guard index < characters.count else { return nil }
            let escape = characters[index]
            index += 1
            switch escape {
            case "n", "r", "t", "b", "f": text.append(" ")
            case "u":
                let code = UInt32(String(characters[index...].prefix(4)), radix: 16)
                index = min(index + 4, characters.count)
                text.unicodeScalars.append(code.flatMap(Unicode.Scalar.init) ?? "\u{FFFD}")
            default: text.append(escape)
            }
        }
        return nil
    }
}
