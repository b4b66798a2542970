// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// Appends this value as JSON in one line: members in their order, no white space; control characters, U+0085, U+2028
    /// and U+2029 escaped, since some clients split lines there.
    ///
    /// JSON has no infinity; a number that is none of JSON's becomes `null`.
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

    /// Whether it holds no number that JSON cannot.
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
