// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithServer

extension Request {
    /// Reads a JSON body whole, as the routes of AIOS services do.
    ///
    /// - Throws: ``UnusableBody`` in FastAPI's words; `SurfaceRefusal` for another content type or more than `limit`
    ///   bytes.
    func detailBody(upTo limit: Int) async throws -> JSONValue {
        let bytes = try await jsonBody(upTo: limit)
        guard !bytes.isEmpty else {
            throw UnusableBody([
                FieldError(type: "missing", location: [.name("body")], message: "Field required", input: .null)
            ])
        }
        do {
            return try JSONBody.decode(JSONValue.self, from: bytes)
        } catch {
            throw UnusableBody([
                FieldError(
                    type: "json_invalid", location: [.name("body"), .index(0)], message: "JSON decode error",
                    input: .object([:]))
            ])
        }
    }
}

/// Reads the fields of a body one by one and notes everything that is wrong, in the shape and the words that FastAPI's
/// clients know. Takes numbers written as text, as the seeds' services do.
struct FieldReader {
    private static let maximumFaults = 16

    private let members: JSONObject
    private(set) var faults: [FieldError] = []

    /// - Throws: ``UnusableBody`` when the body is no object.
    init(_ body: JSONValue) throws(UnusableBody) {
        guard case .object(let members) = body else {
            throw UnusableBody([
                FieldError(
                    type: "model_attributes_type", location: [.name("body")],
                    message: "Input should be a valid dictionary or object to extract fields from", input: body)
            ])
        }
        self.members = members
    }

    /// - Throws: ``UnusableBody`` with all that was noted.
    func check() throws(UnusableBody) { if !faults.isEmpty { throw UnusableBody(faults) } }

    mutating func text(_ field: String) -> String { text(required(field), field) ?? "" }

    mutating func text(_ field: String, or otherwise: String) -> String {
        members[field].map { text($0, field) ?? otherwise } ?? otherwise
    }

    mutating func integer(_ field: String) -> Int {
        guard let value = required(field) else { return 0 }
        switch value {
        case .integer(let number): if let whole = Int(exactly: number) { return whole }
        case .number(let number):
            if let whole = Int(exactly: number) { return whole }
            note(field, "int_from_float", "Input should be a valid integer, got a number with a fractional part", value)
            return 0
        case .string(let text):
            if let whole = Int(text) { return whole }
            note(
                field, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", value)
            return 0
        default: break
        }
        note(field, "int_type", "Input should be a valid integer", value)
        return 0
    }

    /// - Returns: `nil` for a field that is missing, or null, or wrong.
    mutating func number(_ field: String) -> Double? {
        switch members[field] {
        case nil, .null: return nil
        case .integer(let number): return Double(number)
        case .number(let number): return number
        case .numeral(let numeral) where numeral.doubleValue != nil: return numeral.doubleValue
        case .string(let text):
            if let number = Double(text) { return number }
            note(
                field, "float_parsing", "Input should be a valid number, unable to parse string as a number",
                .string(text))
        case .some(let value): note(field, "float_type", "Input should be a valid number", value)
        }
        return nil
    }

    mutating func requiredNumber(_ field: String) -> Double {
        guard let value = required(field) else { return 0 }
        if value == .null { note(field, "float_type", "Input should be a valid number", value) }
        return number(field) ?? 0
    }

    /// - Returns: `nil` for a field that is missing, or null, or wrong.
    mutating func object(_ field: String) -> JSONValue? {
        guard let value = members[field], value != .null else { return nil }
        if case .object = value { return value }
        note(field, "dict_type", "Input should be a valid dictionary", value)
        return nil
    }

    mutating func texts(_ field: String) -> [String] {
        guard let value = members[field] else { return [] }
        guard case .array(let elements) = value else {
            note(field, "list_type", "Input should be a valid list", value)
            return []
        }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            if case .string(let text) = element {
                texts.append(text)
            } else {
                note([.name("body"), .name(field), .index(index)], "string_type", Self.noText, element)
            }
        }
        return texts
    }

    func member(_ field: String) -> JSONValue? { members[field] }

    private static let noText = "Input should be a valid string"

    private mutating func required(_ field: String) -> JSONValue? {
        if let value = members[field] { return value }
        note(field, "missing", "Field required", .object(members))
        return nil
    }

    private mutating func text(_ value: JSONValue?, _ field: String) -> String? {
        guard let value else { return nil }
        if case .string(let text) = value { return text }
        note(field, "string_type", Self.noText, value)
        return nil
    }

    private mutating func note(_ field: String, _ type: String, _ message: String, _ input: JSONValue) {
        note([.name("body"), .name(field)], type, message, input)
    }

    private mutating func note(
        _ location: [FieldError.Step], _ type: String, _ message: String, _ input: JSONValue
    ) {
        guard faults.count < Self.maximumFaults else { return }
        faults.append(FieldError(type: type, location: location, message: message, input: input))
    }
}

/// A body that is answered with 422.
struct UnusableBody: Error {
    var faults: [FieldError]

    init(_ faults: [FieldError]) { self.faults = faults }

    /// A field whose value has the right type and cannot be taken.
    init(field: String, why: String, input: JSONValue) {
        faults = [
            FieldError(
                type: "value_error", location: [.name("body"), .name(field)], message: "Value error, \(why)",
                input: input)
        ]
    }
}

/// One entry of `detail` in such an answer.
struct FieldError: Encodable {
    enum Step: Encodable {
        case name(String)
        case index(Int)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .name(let name): try container.encode(name)
            case .index(let index): try container.encode(index)
            }
        }
    }

    var type: String
    var location: [Step]
    var message: String
    var input: JSONValue

    private enum CodingKeys: String, CodingKey {
        case type, input
        case location = "loc"
        case message = "msg"
    }
}
