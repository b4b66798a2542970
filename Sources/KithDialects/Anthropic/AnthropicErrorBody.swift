// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// An error in Anthropic's form; also the payload of an error in the middle of a stream.
package struct AnthropicErrorBody: Hashable, Sendable {
    /// What kind of error it is, by which programs decide whether to ask again.
    package var type: String
    package var message: String

    /// - Parameter status: The HTTP status that goes with it, or would go with it before the answer began.
    package init(status: Int, message: String) {
        type = Self.word(for: status)
        self.message = message
    }

    private static func word(for status: Int) -> String {
        switch status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 503, 529: "overloaded_error"
        case 400..<500: "invalid_request_error"
        default: "api_error"
        }
    }

    package var json: JSONObject {
        ["type": "error", "error": ["type": .string(type), "message": .string(message)]]
    }
}
