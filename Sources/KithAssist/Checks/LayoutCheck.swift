// SPDX-License-Identifier: Apache-2.0

/// What is seen without a grammar: indentation, long lines, bytes that belong in no text, unresolved merges.
enum LayoutCheck {
    /// Characters of a line.
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
