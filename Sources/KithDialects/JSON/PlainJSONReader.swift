// SPDX-License-Identifier: Apache-2.0

/// Reads plain JSON (RFC 8259) in one pass, where the decoder's generality would be the cost of the whole.
///
/// Never guesses: whatever is wrong, or merely unusual, is `nil`, and ``JSONBody`` has to be asked, which also knows how
/// to say what is wrong. What is read is what the decoder would have read.
struct PlainJSONReader {
    /// Digits that any number of 64 bits has room for.
    private static let digitLimit = 18
    /// Characters of a fraction, so that no exponent and no rounding of long ones has to be thought about.
    private static let numberLimit = 17

    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether nothing but white space is left.
    mutating func isAtEnd() -> Bool { next() == nil }

    /// Takes `byte` when it is next.
    mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard let next = next(), next == UInt8(ascii: byte) else { return false }
        index += 1
        return true
    }

    /// Reads an object; `member` is given each key, and reads the value that belongs to it.
    ///
    /// - Parameter member: returns whether it could; else all is given up.
    /// - Returns: whether the object was read to its end.
    mutating func object(_ member: (String, inout PlainJSONReader) -> Bool) -> Bool {
        guard take("{") else { return false }
        if take("}") { return true }
        repeat {
            guard let key = string(), take(":"), member(key, &self) else { return false }
        } while take(",")
        return take("}")
    }

    /// Reads an array; `element` reads one element of it, and returns `nil` to give up.
    mutating func array<Element>(_ element: (inout PlainJSONReader) -> Element?) -> [Element]? {
        guard take("[") else { return nil }
        if take("]") { return [] }
        var elements: [Element] = []
        repeat {
            guard let next = element(&self) else { return nil }
            elements.append(next)
        } while take(",")
        return take("]") ? elements : nil
    }

    mutating func bool() -> Bool? {
        _ = next()
        if bytes[index...].starts(with: "true".utf8) {
            index += 4
            return true
        }
        guard bytes[index...].starts(with: "false".utf8) else { return nil }
        index += 5
        return false
    }

    /// A whole number written without fraction and exponent.
    mutating func integer() -> Int64? {
        guard let digits = numeral(), !digits.contains(UInt8(ascii: ".")), digits.count <= Self.digitLimit else {
            return nil
        }
        return Int64(String(decoding: digits, as: UTF8.self))
    }

    /// A number written without exponent.
    mutating func number() -> Double? {
        guard let digits = numeral(), digits.count <= Self.numberLimit else { return nil }
        return Double(String(decoding: digits, as: UTF8.self))
    }

    mutating func string() -> String? {
        guard take("\"") else { return nil }
        let start = index
        var isASCII = true
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                defer { index += 1 }
                let text = bytes[start..<index]
                // What cannot be wrong need not be looked at once more.
                return isASCII ? String(decoding: text, as: UTF8.self) : String(validating: text, as: UTF8.self)
            case UInt8(ascii: "\\"): return escapedString(from: start)
            case 0..<0x20: return nil
            case 0x80...:
                isASCII = false
                index += 1
            default: index += 1
            }
        }
        return nil
    }

    // MARK: Parts

    /// The next byte that is not white space.
    private mutating func next() -> UInt8? {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// The characters of a number without exponent.
    private mutating func numeral() -> ArraySlice<UInt8>? {
        guard next() != nil else { return nil }
        let start = index
        if bytes[index] == UInt8(ascii: "-") { index += 1 }
        let whole = digits()
        guard !whole.isEmpty, whole.count == 1 || whole.first != UInt8(ascii: "0") else { return nil }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            guard !digits().isEmpty else { return nil }
        }
        // An exponent that follows is not what may follow a value, so whoever asked gives up.
        return bytes[start..<index]
    }

    private mutating func digits() -> ArraySlice<UInt8> {
        let start = index
        while index < bytes.count, 0x30...0x39 ~= bytes[index] { index += 1 }
        return bytes[start..<index]
    }

    /// Reads on in a string with escapes whose first stands at `index`.
    private mutating func escapedString(from start: Int) -> String? {
        var text = Array(bytes[start..<index])
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let scalar = escape() else { return nil }
                text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            case 0..<0x20: return nil
            default: text.append(byte)
            }
        }
        return nil
    }

    /// What stands after a backslash.
    private mutating func escape() -> Unicode.Scalar? {
        guard index < bytes.count else { return nil }
        defer { index += 1 }
        switch bytes[index] {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return codePoint()
        default: return nil
        }
    }

    /// The digits after `\u`, and a second such escape when they are the first half of a surrogate pair. Leaves the last
    /// digit to be stepped over.
    private mutating func codePoint() -> Unicode.Scalar? {
        guard let first = codeUnit() else { return nil }
        guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
        guard index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "\\"), bytes[index + 2] == UInt8(ascii: "u")
        else { return nil }
        index += 2
        guard let second = codeUnit(), UTF16.isTrailSurrogate(second) else { return nil }
        return Unicode.Scalar(0x1_0000 + UInt32(first & 0x3FF) << 10 + UInt32(second & 0x3FF))
    }

    private mutating func codeUnit() -> UInt16? {
        guard index + 4 < bytes.count else { return nil }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            index += 1
            switch bytes[index] {
            case let digit where 0x30...0x39 ~= digit: unit = unit << 4 | UInt16(digit - 0x30)
            case let digit where 0x41...0x46 ~= digit & 0xDF: unit = unit << 4 | UInt16(digit & 0xDF - 0x41 + 10)
            default: return nil
            }
        }
        return unit
    }
}
