// SPDX-License-Identifier: Apache-2.0

/// The token counts of an answer that is passed on as it is, read from the end of its bytes without decoding them.
///
/// A key inside a text of the answer is never taken for one: its quotes are escaped there.
package struct VerbatimUsage: Hashable, Sendable {
    /// Bytes that are looked at; engines say little after the counts.
    package static let reach = 4_096

    package var promptTokens: Int?
    package var answerTokens: Int?

    package init(endOf body: [UInt8]) {
        let tail = body.suffix(Self.reach)
        promptTokens = Self.number(after: #""prompt_tokens""#, in: tail)
        answerTokens = Self.number(after: #""completion_tokens""#, in: tail)
    }

    /// The number at the last place where `key` stands.
    private static func number(after key: StaticString, in tail: ArraySlice<UInt8>) -> Int? {
        tail.withUnsafeBufferPointer { bytes in
            let key = UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
            var start = bytes.count - key.count
            while start >= 0 {
                if bytes[start] == key[0], bytes[start..<start + key.count].elementsEqual(key) {
                    return number(in: bytes[(start + key.count)...])
                }
                start -= 1
            }
            return nil
        }
    }

    /// `: 123`, with blanks where JSON allows them.
    private static func number(in rest: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        let afterKey = rest.drop(while: isBlank)
        guard afterKey.first == UInt8(ascii: ":") else { return nil }
        let digits = afterKey.dropFirst().drop(while: isBlank).prefix { (0x30...0x39).contains($0) }
        guard (1...9).contains(digits.count) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
