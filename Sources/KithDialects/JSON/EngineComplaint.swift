// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What an engine says is wrong, in any of the forms that servers use.
package struct EngineComplaint: Hashable, Sendable {
    private static let limit = 500

    /// At most 500 characters.
    package var message: String
    package var code: String?
    package var type: String?
    package var param: String?

    /// - Returns: `nil` when `body` reports no error.
    package init?(_ body: JSONValue) {
        guard case .object(let members) = body else { return nil }
        if let error = members["error"], !error.isNull, error != false, error != "" {
            self.init(error: error, beside: members)
        } else if members["object"] == "error" || members["type"] == "error" {
            self.init(error: body, beside: members)
        } else {
            return nil
        }
    }

    /// - Parameter error: The error itself: words, or an object that holds them.
    package init(error: JSONValue, beside members: JSONObject = [:]) {
        let words = Self.words(error) ?? Self.words(members["message"]) ?? Self.words(members["detail"])
        message = String((words ?? "an error without words").prefix(Self.limit))
        code = Self.word(error["code"] ?? members["code"])
        type = Self.word(error["type"] ?? members["error_type"])
        param = Self.word(error["param"])
    }

    /// The words in a message, however deep they are.
    private static func words(_ value: JSONValue?, depth: Int = 0) -> String? {
        guard let value, depth < 8 else { return nil }
        switch value {
        case .string(let text): return text.isEmpty ? nil : text
        case .array(let elements): return elements.lazy.compactMap { words($0, depth: depth + 1) }.first
        case .object:
            return ["message", "msg", "detail", "error", "reason"].lazy
                .compactMap { words(value[$0], depth: depth + 1) }.first
        default: return nil
        }
    }

    private static func word(_ value: JSONValue?) -> String? {
        switch value {
        case .string(let text): text.isEmpty ? nil : String(text.prefix(100))
        case .integer, .number: value?.jsonText
        default: nil
        }
    }

    package func failure(_ code: ChatError.Code = .engineError) -> ChatError {
        ChatError(code, "the engine reports: \(message)", field: param, engineCode: self.code, engineType: type)
    }
}
