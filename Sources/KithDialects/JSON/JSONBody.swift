// SPDX-License-Identifier: Apache-2.0

package import KithModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Request and answer bodies in JSON (RFC 8259).
package enum JSONBody {
    /// - Throws: `ChatError` with `malformedRequest` for what is not JSON or lacks a field, and `invalidRequest` for a
    ///   field of the wrong type or out of range; the message names the field.
    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: some Collection<UInt8>) throws -> Value
    {
        // Also where only the caller's caller knows the type.
        if type == JSONValue.self, let value = try decode(JSONValue.self, from: bytes) as? Value { return value }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw ChatError(error)
        }
    }

    /// Reads any JSON; members keep their order, numbers their meaning.
    ///
    /// - Throws: `ChatError` with `malformedRequest` for what is not JSON.
    package static func decode(_ type: JSONValue.Type, from bytes: some Collection<UInt8>) throws -> JSONValue {
        do {
            return try JSONValue(parsing: bytes)
        } catch {
            throw ChatError(.malformedRequest, "the body is not valid JSON: \(error)")
        }
    }

    /// - Throws: Nothing; as the other forms do.
    package static func encode(_ value: JSONValue) throws -> [UInt8] { value.jsonBytes }

    /// - Throws: Nothing; as the other forms do.
    package static func encode(_ members: JSONObject) throws -> [UInt8] { members.jsonBytes }

    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }

    /// Encodes so that equal values become equal bytes.
    ///
    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package static func encodeSorted(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return [UInt8](try encoder.encode(value))
    }

    /// Encodes for a line-based stream: some clients split lines at U+2028, U+2029 and U+0085 too, so these are escaped.
    ///
    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    package static func encodeLine(_ value: some Encodable) throws -> [UInt8] {
        JSONText.escapingLineSeparators(in: try encode(value))
    }
}

extension ChatError {
    /// Puts a decoding error into words for the sender of the body.
    package init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            let field = Self.fieldName(context.codingPath + [key])
            self.init(.malformedRequest, "'\(field)' is missing", field: field)
        case .typeMismatch(let type, let context):
            let field = Self.fieldName(context.codingPath)
            guard !field.isEmpty else {
                self.init(.malformedRequest, "the body must be a JSON object")
                return
            }
            self.init(.invalidRequest, "'\(field)' must be \(Self.typeName(type))", field: field)
        case .valueNotFound(let type, let context):
            let field = Self.fieldName(context.codingPath)
            self.init(.invalidRequest, "'\(field)' must be \(Self.typeName(type)), not null", field: field)
        case .dataCorrupted(let context):
            let field = Self.fieldName(context.codingPath)
            guard !field.isEmpty else {
                self.init(.malformedRequest, "the body is not valid JSON")
                return
            }
            self.init(.invalidRequest, "'\(field)' has a value that cannot be used", field: field)
        @unknown default:
            self.init(.malformedRequest, "the body is not valid JSON")
        }
    }

    private static func fieldName(_ path: [any CodingKey]) -> String {
        path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }

    private static func typeName(_ type: Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is Int.Type, is Int64.Type: "a whole number"
        case is Double.Type, is Float.Type: "a number"
        case is JSONObject.Type, is [String: JSONValue].Type: "an object"
        default: "of another type"
        }
    }
}

extension KeyedDecodingContainer {
    /// Decodes a number so that one which does not fit is told apart from broken JSON, and its field is named: the
    /// decoder itself reports `1e999` and a fractional count as if the whole body were malformed.
    ///
    /// - Throws: `DecodingError` with this field's path.
    func decodeNumberIfPresent<Number: Decodable>(_ type: Number.Type, forKey key: Key) throws -> Number? {
        do {
            return try decodeIfPresent(type, forKey: key)
        } catch let error as DecodingError {
            guard case .dataCorrupted = error else { throw error }
            throw unusableNumber(forKey: key)
        } catch {
            throw unusableNumber(forKey: key)  // the parser's own error, which the decoder would wrap at the top
        }
    }

    private func unusableNumber(forKey key: Key) -> DecodingError {
        DecodingError.dataCorruptedError(
            forKey: key, in: self, debugDescription: "not a number that can be used")
    }
}

extension JSONValue {
    /// Parses a JSON text, such as the arguments of a tool call.
    ///
    /// - Returns: `nil` when it is not one.
    package init?(json text: String) {
        guard let value = try? JSONValue(parsing: text.utf8) else { return nil }
        self = value
    }

    /// This value as a JSON text; `nil` when it holds a number that JSON cannot.
    package var jsonText: String? { isWritable ? String(decoding: jsonBytes, as: UTF8.self) : nil }
}
