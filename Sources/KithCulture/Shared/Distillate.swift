// SPDX-License-Identifier: Apache-2.0

/// The one sentence in what an engine made of an exchange.
package enum Distillate {
    /// Without what engines put around a sentence when they are asked for one: a heading, quotes, a second sentence.
    package static func sentence(in text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline).lazy.map { withoutLabel($0.trimmingSpaces) }
        var line = String((lines.first { !$0.isEmpty } ?? "").drop { "\"'“”*-•_#> ".contains($0) })
        if let end = line.indices.first(where: { isEnd($0, of: line) }) { line = String(line[...end]) }
        while let last = line.last, "\"'“”*_ ".contains(last) { line.removeLast() }
        line.unicodeScalars.removeAll { $0.properties.generalCategory == .control }
        return line
    }

    private static func withoutLabel(_ line: String) -> String {
        guard let colon = line.firstIndex(of: ":"),
            labels.contains(line[..<colon].lowercased().filter { !"*#_".contains($0) }.trimmingSpaces)
        else { return line }
        return line[line.index(after: colon)...].trimmingSpaces
    }

    /// A full stop after a word and before a space, or at the end; not the one of "e.g." or "3.5".
    private static func isEnd(_ place: String.Index, of line: String) -> Bool {
        guard ".!?。！？".contains(line[place]) else { return false }
        let next = line.index(after: place)
        if "。！？".contains(line[place]) { return true }
        guard next == line.endIndex || line[next].isWhitespace || "\"”'*_".contains(line[next]) else { return false }
        let word = line[..<place].reversed().prefix { !$0.isWhitespace }
        return word.count >= 3 && !word.contains(".")
    }

    private static let labels: Set<String> = [
        "insight", "the insight", "key insight", "distilled insight", "one insight", "sentence", "answer", "summary",
        "takeaway", "key takeaway", "here is the insight", "here's the insight", "here is one sentence",
        "here's one sentence",
    ]
}

extension StringProtocol {
    fileprivate var trimmingSpaces: String {
        let start = firstIndex { !$0.isWhitespace } ?? endIndex
        let end = lastIndex { !$0.isWhitespace }.map(index(after:)) ?? start
        return String(self[start..<Swift.max(start, end)])
    }
}
