// SPDX-License-Identifier: Apache-2.0

/// Code as bytes and lines.
struct SourceText: Sendable {
    /// Bytes that are looked at; what comes after is left unread, and that is said.
    static let limit = 256 << 10

    let bytes: [UInt8]
    /// Without the ends of lines.
    let lines: [Range<Int>]
    /// Whether there was more.
    let isCut: Bool

    init(_ code: String) {
        let utf8 = code.utf8
        isCut = utf8.count > Self.limit
        bytes = Array(utf8.prefix(Self.limit))
        var lines: [Range<Int>] = []
        var start = 0
        for (index, byte) in bytes.enumerated() where byte == .newline {
            lines.append(Self.withoutReturn(start..<index, in: bytes))
            start = index + 1
        }
        if start < bytes.count { lines.append(Self.withoutReturn(start..<bytes.count, in: bytes)) }
        self.lines = lines
    }

    private static func withoutReturn(_ line: Range<Int>, in bytes: [UInt8]) -> Range<Int> {
        guard let last = line.last, bytes[last] == UInt8(ascii: "\r") else { return line }
        return line.lowerBound..<last
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// - Parameter line: Counted from 1.
    func indentation(of line: Int) -> ArraySlice<UInt8> {
        guard lines.indices.contains(line - 1) else { return [] }
        return bytes[lines[line - 1]].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }

    /// The line without white space at either end.
    func trimmed(_ line: Range<Int>) -> ArraySlice<UInt8> {
        let content = bytes[line].drop { $0 <= 0x20 }
        guard let last = content.lastIndex(where: { $0 > 0x20 }) else { return [] }
        return content[...last]
    }

    func isBlank(_ line: Range<Int>) -> Bool { bytes[line].allSatisfy { $0 <= 0x20 } }
}
