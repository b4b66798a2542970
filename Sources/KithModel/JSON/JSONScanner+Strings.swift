// SPDX-License-Identifier: Apache-2.0

extension JSONScanner {
    /// A string at its place in the text.
    package struct StringToken: Hashable, Sendable {
        /// Its bytes as they are written, without the quotes.
        package var range: Range<Int>
        package var hasEscapes: Bool

        package var isEmpty: Bool { range.isEmpty }
    }

    /// Whether a string is `word`, written without escapes.
    @inlinable @inline(__always)
    package func matches(_ token: StringToken, _ word: StaticString) -> Bool { holds(word, at: token.range) }

    /// Steps over a string. It is UTF-8 without control characters, and its escapes are complete.
    package mutating func string() throws(JSONError) -> StringToken {
        skipSpace()
        try take(UInt8(ascii: "\""))
        var token = StringToken(range: position..<position, hasEscapes: false)
        while true {
            skipPlain()
            guard position < bytes.count else { throw unexpected }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                token.range = token.range.lowerBound..<position
                position &+= 1
                return token
            case UInt8(ascii: "\\"):
                token.hasEscapes = true
                try skipEscape()
            case 0..<0x20: throw unexpected
            case 0x80...:
                if try skipSequence() { hasLineSeparators = true }
            default: position &+= 1
            }
        }
    }

    /// The text of the string; half a surrogate pair becomes U+FFFD.
    package func text(_ token: StringToken) -> String {
        let written = UnsafeBufferPointer(rebasing: bytes[token.range])
        guard token.hasEscapes else { return String(decoding: written, as: UTF8.self) }
        return String(unsafeUninitializedCapacity: written.count) { text in Self.unescape(written, into: text) }
    }

    /// Reads the string that is next.
    package mutating func text() throws(JSONError) -> String { text(try string()) }

    /// A string's bytes as they are written, without the quotes.
    package func writtenBytes(_ token: StringToken) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[token.range])
    }

    // MARK: Parts

    /// Eight bytes at once, to the first that is a quote, a backslash, a control character, or not ASCII.
    @inline(__always)
    private mutating func skipPlain() {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let raw = UnsafeRawBufferPointer(bytes)
        while position &+ 8 <= raw.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let quotes = (word ^ (ones &* 0x22)) &- ones
            let backslashes = (word ^ (ones &* 0x5C)) &- ones
            let marks = (quotes | backslashes | (word &- (ones &* 0x20)) | word) & (ones &* 0x80)
            guard marks == 0 else {
                position &+= marks.trailingZeroBitCount &>> 3
                return
            }
            position &+= 8
        }
    }

    private mutating func skipEscape() throws(JSONError) {
        guard position &+ 1 < bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
        switch bytes[position &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position &+= 2
        case UInt8(ascii: "u"):
            position &+= 2
            for _ in 0..<4 {
                guard Self.hexadecimal(peek()) != nil else { throw unexpected }
                position &+= 1
            }
        default:
            position &+= 1
            throw unexpected
        }
    }

    /// Steps over one character that is not ASCII.
    ///
    /// - Returns: Whether it separates lines.
    private mutating func skipSequence() throws(JSONError) -> Bool {
        let first = bytes[position]
        let length = Self.sequenceLength(first)
        guard length > 0, position &+ length <= bytes.count else { throw JSONError(.invalidUTF8, at: position) }
        let second = bytes[position &+ 1]
        for offset in 1..<length where bytes[position &+ offset] & 0xC0 != 0x80 {
            throw JSONError(.invalidUTF8, at: position)
        }
        // Too long a form, half a surrogate pair, or past the last character.
        switch first {
        case 0xE0 where second < 0xA0, 0xED where second > 0x9F, 0xF0 where second < 0x90, 0xF4 where second > 0x8F:
            throw JSONError(.invalidUTF8, at: position)
        default: break
        }
        defer { position &+= length }
        switch first {
        case 0xC2: return second == 0x85
        case 0xE2: return second == 0x80 && bytes[position &+ 2] & 0xFE == 0xA8
        default: return false
        }
    }

    /// 0 for a byte that begins no character.
    private static func sequenceLength(_ first: UInt8) -> Int {
        switch first {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 0
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt16? {
        switch byte {
        case 0x30...0x39: UInt16(byte &- 0x30)
        case 0x41...0x46: UInt16(byte &- 0x41 &+ 10)
        case 0x61...0x66: UInt16(byte &- 0x61 &+ 10)
        default: nil
        }
    }

    /// The text is never longer than its written form: the shortest escape of six bytes gives three.
    private static func unescape(
        _ written: UnsafeBufferPointer<UInt8>, into text: UnsafeMutableBufferPointer<UInt8>
    ) -> Int {
        var (index, count) = (0, 0)
        while index < written.count {
            guard written[index] == UInt8(ascii: "\\"), index &+ 1 < written.count else {
                text[count] = written[index]
                (index, count) = (index &+ 1, count &+ 1)
                continue
            }
            let letter = written[index &+ 1]
            guard letter == UInt8(ascii: "u") else {
                text[count] = character(letter)
                (index, count) = (index &+ 2, count &+ 1)
                continue
            }
            let (scalar, length) = scalar(at: index, in: written)
            for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                text[count] = byte
                count &+= 1
            }
            index &+= length
        }
        return count
    }

    private static func character(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: letter
        }
    }

    /// The character that the escape at `index` stands for, with the second half when it is a surrogate pair.
    private static func scalar(at index: Int, in written: UnsafeBufferPointer<UInt8>) -> (Unicode.Scalar, Int) {
        let first = unit(at: index, in: written)
        guard UTF16.isLeadSurrogate(first) else { return (Unicode.Scalar(first) ?? "\u{FFFD}", 6) }
        guard index &+ 12 <= written.count, written[index &+ 6] == UInt8(ascii: "\\"),
            written[index &+ 7] == UInt8(ascii: "u")
        else { return ("\u{FFFD}", 6) }
        let second = unit(at: index &+ 6, in: written)
        guard UTF16.isTrailSurrogate(second) else { return ("\u{FFFD}", 6) }
        let value = 0x1_0000 + UInt32(first & 0x3FF) << 10 + UInt32(second & 0x3FF)
        return (Unicode.Scalar(value) ?? "\u{FFFD}", 12)
    }

    private static func unit(at index: Int, in written: UnsafeBufferPointer<UInt8>) -> UInt16 {
        var unit: UInt16 = 0
        for offset in 2..<6 where index &+ offset < written.count {
            unit = unit << 4 | (hexadecimal(written[index &+ offset]) ?? 0)
        }
        return unit
    }
}
