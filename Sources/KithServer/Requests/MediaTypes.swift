// SPDX-License-Identifier: Apache-2.0

/// What a `Content-Type` says (RFC 9110, 8.3).
package enum MediaTypes {
    package static func isJSON(_ contentType: String) -> Bool {
        if contentType == "application/json" { return true }
        let type = contentType.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        return type == "application/json" || type == "text/json" || type.hasSuffix("+json")
    }

    /// Whether an `Accept` header names JSON and does not name plain text before it.
    package static func prefersJSON(_ accept: String) -> Bool {
        let types = accept.split(separator: ",").map { type in
            type.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        }
        return types.first { $0 == "application/json" || $0.hasPrefix("text/plain") } == "application/json"
    }
}
