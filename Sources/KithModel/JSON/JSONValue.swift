// SPDX-License-Identifier: Apache-2.0

/// Any JSON value (RFC 8259), for the open fields of the dialects: tools, response formats, content parts.
///
/// Values pass through unchanged: members keep their order, and numbers their meaning. Values that mean the same are
/// equal: the order of members does not matter, nor whether a number is written as `1` or `1.0`.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    /// A number that neither an `Int64` nor a `Double` can represent: twenty digits, a long fraction, `1e400`.
    case numeral(JSONNumeral)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    package subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    package var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    package var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    package var objectValue: JSONObject? {
        if case .object(let members) = self { members } else { nil }
    }

    package var intValue: Int? {
        switch self {
        case .integer(let value): Int(exactly: value)
        case .number(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The number nearest to this one; `nil` for what is not a number, or is too large for a `Double`.
    package var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .numeral(let numeral): numeral.doubleValue
        default: nil
        }
    }

    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var isNull: Bool {
        if case .null = self { true } else { false }
    }
}

extension JSONValue: Hashable {
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.integer(let whole), .number(let number)), (.number(let number), .integer(let whole)):
            Double(exactly: whole) == number
        case (.numeral(let left), .numeral(let right)): left == right
        case (.string(let left), .string(let right)): left == right
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let value):
            if let number = Double(exactly: value) { hasher.combine(number) } else { hasher.combine(value) }
        case .number(let value): hasher.combine(value)
        case .numeral(let numeral): hasher.combine(numeral)
        case .string(let text): hasher.combine(text)
        case .array(let elements): hasher.combine(elements)
        case .object(let members): hasher.combine(members)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByFloatLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(nilLiteral: ()) { self = .null }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

/// A number of JSON as it was written, where no machine type can represent it.
package struct JSONNumeral: Hashable, Sendable {
    package let text: String

    /// - Returns: `nil` for what JSON does not call a number.
    package init?(_ text: String) {
        let isNumber = Array(text.utf8).withUnsafeBufferPointer { bytes in
            var scanner = JSONScanner(bytes)
            return (try? scanner.number()) != nil && scanner.index == bytes.count
        }
        guard isNumber else { return nil }
        self.text = text
    }

    /// For what has been read as a number.
    init(read text: String) { self.text = text }

    /// `nil` for what is too large.
    package var doubleValue: Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// Whether both texts, numbers of JSON or of Swift, stand for the same number.
    static func mean(_ one: String, sameAs other: String) -> Bool { Decimal(one.utf8) == Decimal(other.utf8) }

    /// A number as digits without zeros at either end, and the power of ten that the last of them stands for.
    private struct Decimal: Equatable {
        private var isNegative = false
        private var digits: [UInt8] = []
        private var exponent = 0

        init(_ text: String.UTF8View) {
            var power = 0
            var isFraction = false
            var rest = text[...]
            while let byte = rest.popFirst() {
                switch byte {
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "."): isFraction = true
                case UInt8(ascii: "e"), UInt8(ascii: "E"):
                    power = Int(Substring(rest)) ?? (rest.first == UInt8(ascii: "-") ? .min : .max)
                    rest = rest[rest.endIndex...]
                default:
                    digits.append(byte)
                    if isFraction { exponent -= 1 }
                }
            }
            while digits.last == UInt8(ascii: "0") {
                digits.removeLast()
                exponent += 1
            }
            digits = Array(digits.drop { $0 == UInt8(ascii: "0") })
            exponent = digits.isEmpty ? 0 : exponent.addingReportingOverflow(power).partialValue
        }
    }
}

/// For Foundation's coders, which keep neither the order of members nor long numbers: what has to pass through unchanged
/// is read by ``JSONValue/init(parsing:)`` and written by ``JSONValue/write(to:)``.
extension JSONValue: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = JSONNumeral(String(value)).map { .numeral($0) } ?? .number(Double(value))
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let members = try? container.decode(JSONObject.self) {
            self = .object(members)
        } else {
            self = .array(try container.decode([JSONValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .numeral(let numeral):
            if let whole = UInt64(numeral.text) {
                try container.encode(whole)
            } else {
                try container.encode(numeral.doubleValue)
            }
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSONObject: Codable {
    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        self.init()
        for key in container.allKeys { self[key.stringValue] = try container.decode(JSONValue.self, forKey: key) }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Name.self)
        for (key, value) in self { try container.encode(value, forKey: Name(stringValue: key)) }
    }
}
