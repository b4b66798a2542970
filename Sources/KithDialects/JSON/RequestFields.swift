// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The members of an object in a client's request, read by type.
///
/// A member that is `null` counts as missing. All throw `ChatError` for a value of the wrong type, with the name of its field.
struct RequestFields {
    private let members: JSONObject
    /// Where the object stands in the body, such as `messages.0`; empty for the body itself.
    private let path: String

    private init(members: JSONObject, at path: String) {
        self.members = members
        self.path = path
    }

    init(_ value: JSONValue, at path: String) throws {
        guard case .object(let members) = value else { throw ChatError.wrongType(path, "an object") }
        self.init(members: members, at: path)
    }

    /// - Throws: `ChatError` for what is not a JSON object.
    init(body bytes: [UInt8]) throws {
        guard case .object(let members) = try JSONBody.decode(JSONValue.self, from: bytes) else {
            throw ChatError(.malformedRequest, "the body must be a JSON object")
        }
        self.init(members: members, at: "")
    }

    /// The name of a member as the client is told it.
    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// All members but the mark of a client for its provider's cache.
    var withoutCacheControl: JSONValue {
        var rest = members
        rest["cache_control"] = nil
        return .object(rest)
    }

    func value(_ key: String) -> JSONValue? {
        guard let value = members[key], !value.isNull else { return nil }
        return value
    }

    func text(_ key: String) throws -> String? {
        guard let value = value(key) else { return nil }
        guard case .string(let text) = value else { throw ChatError.wrongType(name(key), "a string") }
        return text
    }

    /// - Throws: `ChatError` also when there is none.
    func requiredText(_ key: String) throws -> String {
        guard let text = try text(key) else { throw ChatError.missing(name(key)) }
        return text
    }

    func bool(_ key: String) throws -> Bool? {
        guard let value = value(key) else { return nil }
        guard case .bool(let bool) = value else { throw ChatError.wrongType(name(key), "true or false") }
        return bool
    }

    func number(_ key: String) throws -> Double? {
        guard let value = value(key) else { return nil }
        switch value {
        case .integer, .number, .numeral:
            guard let number = value.doubleValue, number.isFinite else { throw ChatError.unusable(name(key)) }
            return number
        default: throw ChatError.wrongType(name(key), "a number")
        }
    }

    /// A whole number, also one that is written `3.0`.
    func integer(_ key: String) throws -> Int? {
        guard let value = value(key) else { return nil }
        switch value {
        case .integer, .number, .numeral:
            guard let whole = value.intValue else { throw ChatError.unusable(name(key)) }
            return whole
        default: throw ChatError.wrongType(name(key), "a whole number")
        }
    }

    func list(_ key: String) throws -> [JSONValue]? {
        guard let value = value(key) else { return nil }
        guard case .array(let list) = value else { throw ChatError.wrongType(name(key), "a list") }
        return list
    }

    func object(_ key: String) throws -> RequestFields? {
        guard let value = value(key) else { return nil }
        return try RequestFields(value, at: name(key))
    }

    /// A list of objects.
    func objects(_ key: String) throws -> [RequestFields]? {
        guard let list = try list(key) else { return nil }
        return try list.enumerated().map { place, value in try RequestFields(value, at: "\(name(key)).\(place)") }
    }

    /// Content as blocks; a string stands for one block of text.
    ///
    /// - Returns: `nil` when there is none.
    func blocks(_ key: String) throws -> [RequestFields]? {
        switch value(key) {
        case nil: return nil
        case .string(let text)?:
            return [RequestFields(members: ["type": "text", "text": .string(text)], at: name(key))]
        case .array?: return try objects(key)
        default: throw ChatError.wrongType(name(key), "a string or a list")
        }
    }
}
