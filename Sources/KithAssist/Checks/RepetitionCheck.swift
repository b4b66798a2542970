// SPDX-License-Identifier: Apache-2.0

/// Blocks of lines that stand in the code twice.
enum RepetitionCheck {
    /// Lines that say something, in a row.
    static let lineMinimum = 5
    /// Bytes of them together.
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
