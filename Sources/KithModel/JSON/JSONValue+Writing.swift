// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// Appends this value as JSON in one line: members in their order, no white space; control characters, U+0085, U+2028
    /// and U+2029 escaped, since some clients split lines there.
    ///
    /// JSON has no infinity; a number that JSON cannot hold becomes `null`.
    package func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): bytes.append(contentsOf: value.description.utf8)
        case .number(let value): bytes.append(contentsOf: (value.isFinite ? value.description : "null").utf8)
        case .numeral(let numeral): bytes.append(contentsOf: numeral.text.utf8)
        case .string(let text): JSONText.append(text, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members): members.write(to: &bytes)
        }
    }

    /// This value as JSON; see ``write(to:)``.
    package var jsonBytes: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }

    /// Whether JSON can hold all of its numbers.
    package var isWritable: Bool {
        switch self {
        case .number(let value): value.isFinite
        case .array(let elements): elements.allSatisfy(\.isWritable)
        case .object(let members): members.allSatisfy(\.value.isWritable)
        default: true
        }
    }
}

extension JSONObject {
    /// As ``JSONValue/write(to:)``.
    package func write(to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        for (index, member) in enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONText.append(member.key, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            member.value.write(to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    package var jsonBytes: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }
}

/// Strings written as JSON by hand.
package enum JSONText {
    /// Appends `text` as a JSON string with its quotes; control characters and the line separators U+0085, U+2028 and
    /// U+2029 are escaped.
    package static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        appendContent(text, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// As ``append(_:to:)``, without the quotes.
    package static func appendContent(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { utf8 in
            var start = 0
            var index = 0
            while index < utf8.count {
                guard needsLook[Int(utf8[index])], let (escape, length) = escape(at: index, in: utf8) else {
                    index += 1
                    continue
                }
                bytes.append(contentsOf: utf8[start..<index])
                bytes.append(contentsOf: escape.utf8)
                index += length
                start = index
            }
            bytes.append(contentsOf: utf8[start..<index])
        }
    }

    /// The bytes of encoded JSON with U+0085, U+2028 and U+2029 escaped; these stand only inside strings.
    package static func escapingLineSeparators(in json: [UInt8]) -> [UInt8] {
        json.withUnsafeBufferPointer { utf8 in
            guard utf8.contains(0xE2) || utf8.contains(0xC2) else { return json }
            var escaped = [UInt8]()
            escaped.reserveCapacity(utf8.count + 16)
            var index = 0
            while index < utf8.count {
                if let (escape, length) = separator(at: index, in: utf8) {
                    escaped.append(contentsOf: escape.utf8)
                    index += length
                } else {
                    escaped.append(utf8[index])
                    index += 1
                }
            }
            return escaped
        }
    }

    /// The bytes that are, or begin, something that may have to be escaped.
    private static let needsLook: [Bool] = (0..<256).map { $0 < 0x20 || [0x22, 0x5C, 0xC2, 0xE2].contains($0) }

    private static func escape(at index: Int, in utf8: UnsafeBufferPointer<UInt8>) -> (String, Int)? {
        switch utf8[index] {
        case UInt8(ascii: "\""): return ("\\\"", 1)
        case UInt8(ascii: "\\"): return ("\\\\", 1)
        case UInt8(ascii: "\n"): return ("\\n", 1)
        case UInt8(ascii: "\r"): return ("\\r", 1)
        case UInt8(ascii: "\t"): return ("\\t", 1)
        case let byte where byte < 0x20: return ("\\u00" + CollectionOfOne(byte).hexadecimal, 1)
        default: return separator(at: index, in: utf8)
        }
    }

    private static func separator(at index: Int, in utf8: UnsafeBufferPointer<UInt8>) -> (String, Int)? {
        switch utf8[index] {
        case 0xC2 where index + 1 < utf8.count && utf8[index + 1] == 0x85: ("\\u0085", 2)
        case 0xE2 where index + 2 < utf8.count && utf8[index + 1] == 0x80 && utf8[index + 2] == 0xA8: ("\\u2028", 3)
        case 0xE2 where index + 2 < utf8.count && utf8[index + 1] == 0x80 && utf8[index + 2] == 0xA9: ("\\u2029", 3)
        default: nil
        }
    }
}
