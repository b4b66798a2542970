// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension JSONValue {
    /// Parses a JSON text, such as the arguments of a tool call.
    ///
    /// - Returns: `nil` when it is none.
    package init?(json text: String) {
        guard let value = try? JSONValue(parsing: text.utf8) else { return nil }
        self = value
    }

    /// This value as a JSON text; `nil` when it holds a number that JSON cannot.
    package var jsonText: String? { isWritable ? String(decoding: jsonBytes, as: UTF8.self) : nil }
}
