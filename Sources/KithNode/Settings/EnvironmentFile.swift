// SPDX-License-Identifier: Apache-2.0

/// The assignments of a `.env` file: `NAME=value` a line, with or without `export`, the value with or without quotes.
///
/// The last assignment of a name counts, as in a shell. A `#` after a space begins a comment, outside quotes.
struct EnvironmentFile: Sendable {
    struct Assignment: Hashable, Sendable {
        var name: String
        var value: String
        /// Counted from 1.
        var line: Int
    }

    private(set) var assignments: [Assignment] = []

    init(_ text: String) {
        for (offset, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            guard let (name, value) = Self.parse(line) else { continue }
            assignments.append(Assignment(name: name, value: value, line: offset + 1))
        }
    }

    private static func parse(_ line: Substring) -> (name: String, value: String)? {
        var line = trimmed(line)
        if line.hasPrefix("\u{FEFF}") { line = line.dropFirst() }
        guard !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { return nil }
        var name = trimmed(line[..<equals])
        if name.hasPrefix("export "), let space = name.firstIndex(of: " ") {
            name = trimmed(name[name.index(after: space)...])
        }
        guard !name.isEmpty else { return nil }
        return (String(name), value(trimmed(line[line.index(after: equals)...])))
    }

    private static func value(_ text: Substring) -> String {
        if let quote = text.first, quote == "\"" || quote == "'",
            let end = text.dropFirst().firstIndex(of: quote)
        {
            return String(text[text.index(after: text.startIndex)..<end])
        }
        var previous: Character = " "
        let bare = text.prefix { character in
            defer { previous = character }
            return !(character == "#" && (previous == " " || previous == "\t"))
        }
        return String(trimmed(bare))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}
