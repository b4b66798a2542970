// SPDX-License-Identifier: Apache-2.0

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
