// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// The parts of a form with files (RFC 7578; RFC 2046, section 5.1): where their values stand in the body.
package struct MultipartForm: Hashable, Sendable {
    package struct Part: Hashable, Sendable {
        package var name: String
        package var isFile: Bool
        package var value: Range<Int>
    }

    package static let partLimit = 64
    /// Bytes of the fields before a part's value.
    static let headLimit = 8 << 10

    package let parts: [Part]

    /// - Parameter contentType: The value of the field `Content-Type`, which says what stands between the parts.
    /// - Throws: `ChatError` with `malformedRequest` for what is no such form, or has more than ``partLimit`` parts.
    package init(_ bytes: [UInt8], contentType: String) throws(ChatError) {
        guard let boundary = Self.boundary(of: contentType) else {
            throw Self.malformed("its type names no boundary")
        }
        let delimiter = Array("\r\n--".utf8) + Array(boundary.utf8)
        var parts: [Part] = []
        // The first delimiter may stand at the very beginning, without the line break that belongs to it.
        var position: Int
        if bytes.starts(with: delimiter.dropFirst(2)) {
            position = delimiter.count - 2
        } else if let first = Self.index(of: delimiter, in: bytes, from: 0) {
            position = first + delimiter.count
        } else {
            throw Self.malformed("its boundary does not occur")
        }
        while !bytes[position...].starts(with: "--".utf8) {
            guard let start = Self.endOfLine(bytes, from: position),
                let (head, valueStart) = Self.head(bytes, from: start),
                let end = Self.index(of: delimiter, in: bytes, from: valueStart - 2)
            else { throw Self.malformed("a part of it does not end") }
            guard parts.count < Self.partLimit else {
                throw Self.malformed("it has more than \(Self.partLimit) parts")
            }
            guard let (name, isFile) = Self.disposition(head) else { throw Self.malformed("a part has no name") }
            parts.append(Part(name: name, isFile: isFile, value: min(valueStart, end)..<end))
            position = end + delimiter.count
        }
        self.parts = parts
    }

    // MARK: Reading

    private static func malformed(_ why: String) -> ChatError {
        ChatError(.malformedRequest, "the form cannot be read: \(why)")
    }

    /// 1 to 70 characters (RFC 2046, section 5.1.1).
    static func boundary(of contentType: String) -> String? {
        guard let text = parameter("boundary", of: contentType), (1...70).contains(text.utf8.count),
            text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }), text.utf8.last != UInt8(ascii: " ")
        else { return nil }
        return text
    }

    /// The value of a parameter, with or without quotes, as after `form-data;` or `multipart/form-data;`.
    private static func parameter(_ wanted: String, of field: String) -> String? {
        var rest = Array(field.utf8).drop { $0 != UInt8(ascii: ";") }
        while rest.popFirst() != nil {
            let name = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") }
            rest = rest.dropFirst(name.count)
            guard rest.first == UInt8(ascii: "=") else { continue }
            rest = rest.dropFirst()
            var value: [UInt8] = []
            if rest.first == UInt8(ascii: "\"") {
                rest = rest.dropFirst()
                while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
                    value.append(byte == UInt8(ascii: "\\") ? rest.popFirst() ?? byte : byte)
                }
                rest = rest.drop { $0 != UInt8(ascii: ";") }
            } else {
                value = Array(rest.prefix { $0 != UInt8(ascii: ";") })
                rest = rest.dropFirst(value.count)
                while value.last == UInt8(ascii: " ") { value.removeLast() }
            }
            let found = String(decoding: name.filter { $0 != UInt8(ascii: " ") && $0 != 0x09 }, as: UTF8.self)
            if found.lowercased() == wanted { return String(validating: value, as: UTF8.self) }
        }
        return nil
    }

    /// The place after the end of a line that holds nothing but white space.
    private static func endOfLine(_ bytes: [UInt8], from start: Int) -> Int? {
        let blanks = bytes[start...].prefix { $0 == UInt8(ascii: " ") || $0 == 0x09 }.count
        let end = start + blanks
        return bytes[end...].starts(with: "\r\n".utf8) ? end + 2 : nil
    }

    /// The lines before a value, and where it begins.
    private static func head(_ bytes: [UInt8], from start: Int) -> (lines: [String], value: Int)? {
        var lines: [String] = []
        var line: [UInt8] = []
        var position = start
        while position + 1 < bytes.count, position - start < headLimit {
            if bytes[position] == 0x0D, bytes[position + 1] == 0x0A {
                position += 2
                if line.isEmpty { return (lines, position) }
                lines.append(String(decoding: line, as: UTF8.self))
                line = []
            } else {
                line.append(bytes[position])
                position += 1
            }
        }
        return nil
    }

    private static func disposition(_ lines: [String]) -> (name: String, isFile: Bool)? {
        let field = "content-disposition:"
        guard let line = lines.first(where: { $0.lowercased().hasPrefix(field) }),
            let name = parameter("name", of: line)
        else { return nil }
        return (name, parameter("filename", of: line) != nil || parameter("filename*", of: line) != nil)
    }

    private static func index(of pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBufferPointer { bytes in
            var position = start
            while position + pattern.count <= bytes.count {
                if bytes[position] == pattern[0], bytes[position...].starts(with: pattern) { return position }
                position += 1
            }
            return nil
        }
    }
}
