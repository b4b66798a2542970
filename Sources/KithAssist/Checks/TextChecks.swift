// SPDX-License-Identifier: Apache-2.0

/// What can be seen without a grammar: indentation, long lines, bytes that belong in no text, unresolved merges.
enum LayoutCheck {
    /// Most characters of a line.
    static let lineLimit = 120

    static func findings(in code: ReadCode) -> [Finding] {
        merges(in: code.source) + strangeBytes(in: code.source) + indentation(of: code) + longLines(in: code.source)
    }

    private static func merges(in source: SourceText) -> [Finding] {
        let marks = ["<<<<<<< ", ">>>>>>> "].map { Array($0.utf8) }
        let lines = source.lines.enumerated().filter { _, range in
            marks.contains { source.bytes[range].starts(with: $0) }
        }
        return [
            Finding(.broken, lines: lines.map { $0.offset + 1 }, "the marks of a merge conflict are still there")
        ].compactMap { $0 }
    }

    private static func strangeBytes(in source: SourceText) -> [Finding] {
        let lines = source.lines.enumerated().filter { _, range in
            source.bytes[range].contains { $0 < 0x20 && $0 != UInt8(ascii: "\t") && $0 != 0x0C }
        }
        return [
            Finding(
                .fault, lines: lines.map { $0.offset + 1 },
                "control characters stand in the text, which may not be source code at all")
        ].compactMap { $0 }
    }

    private static func indentation(of code: ReadCode) -> [Finding] {
        var (tabs, spaces, both): ([Int], [Int], [Int]) = ([], [], [])
        for line in code.source.lines.indices.map({ $0 + 1 }) {
            let indentation = code.source.indentation(of: line)
            guard indentation.count < code.source.lines[line - 1].count else { continue }
            let hasTab = indentation.contains(UInt8(ascii: "\t"))
            // One space before a star continues a comment.
            let hasSpace = indentation.count { $0 == UInt8(ascii: " ") } > 1
            if hasTab, hasSpace {
                both.append(line)
            } else if hasTab {
                tabs.append(line)
            } else if hasSpace {
                spaces.append(line)
            }
        }
        let weight: Finding.Weight = code.language == .python ? .fault : .habit
        if let finding = Finding(weight, lines: both, "the indentation mixes tabs and spaces") { return [finding] }
        guard !tabs.isEmpty, !spaces.isEmpty else { return [] }
        let fewer = tabs.count <= spaces.count ? (tabs, "tabs", "spaces") : (spaces, "spaces", "tabs")
        return [
            Finding(weight, lines: fewer.0, "indented with \(fewer.1), where the other lines are with \(fewer.2)")
        ].compactMap { $0 }
    }

    private static func longLines(in source: SourceText) -> [Finding] {
        var (long, longest, place): ([Int], Int, Int) = ([], 0, 0)
        for (index, range) in source.lines.enumerated() where range.count > lineLimit {
            let length = source.bytes[range].count { $0 & 0xC0 != 0x80 }
            guard length > lineLimit else { continue }
            long.append(index + 1)
            if length > longest { (longest, place) = (length, index + 1) }
        }
        let words =
            long.count == 1
            ? "\(longest) characters long" : "longer than \(lineLimit) characters; line \(place) has \(longest)"
        return [Finding(.note, lines: long, words)].compactMap { $0 }
    }
}

/// Blocks of lines that stand in the code twice.
enum RepetitionCheck {
    /// Fewest lines in a row; lines that say nothing do not count.
    static let lineMinimum = 5
    /// Fewest bytes of these lines together.
    static let byteMinimum = 80
    static let findingLimit = 3

    private struct Entry {
        var line: Int
        /// Equal for lines of equal content.
        var content: Int
        var size: Int
    }

    static func findings(in code: ReadCode) -> [Finding] {
        let entries = entries(of: code.source)
        guard entries.count >= 2 * lineMinimum else { return [] }
        var seen: [[Int]: Int] = [:]
        var findings: [Finding] = []
        var place = 0
        while place + lineMinimum <= entries.count, findings.count < findingLimit {
            let window = entries[place..<place + lineMinimum]
            let key = window.map(\.content)
            let earlier = seen[key]
            if let earlier, earlier + lineMinimum <= place, window.reduce(0, { $0 + $1.size }) >= byteMinimum,
                Set(key).count > 2
            {
                var length = lineMinimum
                while place + length < entries.count, earlier + length < place,
                    entries[place + length].content == entries[earlier + length].content
                {
                    length += 1
                }
                findings.append(finding(entries, earlier, place, length))
                place += length
            } else {
                if earlier == nil { seen[key] = place }
                place += 1
            }
        }
        return findings
    }

    private static func finding(_ entries: [Entry], _ first: Int, _ second: Int, _ length: Int) -> Finding {
        let (from, to) = (entries[second].line, entries[second + length - 1].line)
        return Finding(
            .habit, line: from,
            "Lines \(from)–\(to) repeat lines \(entries[first].line)–\(entries[first + length - 1].line) word for word")
    }

    private static func entries(of source: SourceText) -> [Entry] {
        var contents: [ArraySlice<UInt8>: Int] = [:]
        return source.lines.enumerated().compactMap { index, range in
            let content = source.trimmed(range)
            guard content.count > 2 else { return nil }
            let number = contents[content] ?? contents.count
            contents[content] = number
            return Entry(line: index + 1, content: number, size: content.count)
        }
    }
}

/// Notes that somebody left for later.
enum MarkerCheck {
    private static let marks = ["TODO", "FIXME", "XXX", "HACK"]

    static func findings(in code: ReadCode) -> [Finding] {
        let places =
            code.language == .other
            ? code.source.lines.enumerated().map { (line: $0.offset + 1, bytes: $0.element) }
            : code.lexed.comments.map { (line: $0.line, bytes: $0.bytes) }
        var lines: [String: [Int]] = [:]
        for place in places {
            var line = place.line
            for part in code.source.bytes[place.bytes].split(separator: .newline, omittingEmptySubsequences: false) {
                for word in part.split(whereSeparator: { !$0.isWordByte }) where word.count <= 5 {
                    let text = String(decoding: word, as: UTF8.self)
                    if marks.contains(text) { lines[text, default: []].append(line) }
                }
                line += 1
            }
        }
        return marks.compactMap { mark in
            lines[mark].flatMap { Finding(.note, lines: $0, "\(mark) is left to be done") }
        }
    }
}
