// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Fields of requests, read in place: a value of the wrong type is refused with the name of its field.
///
/// A field that is `null` counts as missing. All throw `ChatError` for a value that cannot be used, and `JSONError` for
/// what is not JSON.
extension JSONScanner {
    mutating func text(of field: @autoclosure () -> String) throws -> String? {
        guard try take(.string, or: "a string", field()) else { return nil }
        return try text()
    }

    mutating func bool(of field: @autoclosure () -> String) throws -> Bool? {
        guard try take(.bool, or: "true or false", field()) else { return nil }
        return try bool()
    }

    mutating func number(of field: @autoclosure () -> String) throws -> Double? {
        guard try take(.number, or: "a number", field()) else { return nil }
        let number = double(try self.number())
        guard number.isFinite else { throw ChatError.unusable(field()) }
        return number
    }

    /// A whole number, also one that is written `3.0`.
    mutating func integer(of field: @autoclosure () -> String) throws -> Int? {
        guard try take(.number, or: "a whole number", field()) else { return nil }
        let token = try self.number()
        guard let whole = integer(token).flatMap({ Int(exactly: $0) }) ?? Int(exactly: double(token)) else {
            throw ChatError.unusable(field())
        }
        return whole
    }

    /// Steps into a list.
    ///
    /// - Returns: `false` when there is none.
    mutating func enterArray(of field: @autoclosure () -> String) throws -> Bool {
        guard try take(.array, or: "a list", field()) else { return false }
        try enterArray()
        return true
    }

    /// Steps into an object.
    ///
    /// - Returns: `false` when there is none.
    mutating func enterObject(of field: @autoclosure () -> String) throws -> Bool {
        guard try take(.object, or: "an object", field()) else { return false }
        try enterObject()
        return true
    }

    /// Whether a value of this kind is next; steps over `null`.
    private mutating func take(_ kind: Kind, or type: String, _ field: @autoclosure () -> String) throws -> Bool {
        switch self.kind() {
        case kind: return true
        case .null where takeNull(): return false
        case nil:
            try skipValue()  // says what is wrong
            return false
        default: throw ChatError.wrongType(field(), type)
        }
    }
}

extension ChatError {
    static func wrongType(_ field: String, _ type: String) -> ChatError {
        ChatError(.invalidRequest, "'\(field)' must be \(type)", field: field)
    }

    static func unusable(_ field: String) -> ChatError {
        ChatError(.invalidRequest, "'\(field)' has a value that cannot be used", field: field)
    }

    static func missing(_ field: String) -> ChatError {
        ChatError(.malformedRequest, "'\(field)' is missing", field: field)
    }

    /// - Parameter bytes: What was to be one JSON object.
    init(_ problem: JSONError, in bytes: [UInt8]) {
        guard (try? JSONValue(parsing: bytes)) == nil else {
            self.init(.malformedRequest, "the body must be a JSON object")
            return
        }
        self.init(.malformedRequest, "the body is not valid JSON: \(problem)")
    }
}

extension ClientBody {
    /// As `init(route:bytes:read:)`.
    ///
    /// - Throws: `ChatError`.
    init(
        requestTo route: Route, _ bytes: [UInt8], read: (String, inout JSONScanner) throws -> Void
    ) throws(ChatError) {
        do {
            try self.init(route: route, bytes: bytes, read: read)
        } catch let failure as ChatError {
            throw failure
        } catch let problem as JSONError {
            throw ChatError(problem, in: bytes)
        } catch {
            throw ChatError(.malformedRequest, "the body is not valid JSON", cause: error)
        }
    }
}
