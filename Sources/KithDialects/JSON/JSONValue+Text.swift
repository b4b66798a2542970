// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension JSONValue {
    /// Parses a JSON text, such as the arguments of a tool call.
    ///
    /// - Returns: `nil` when it is none.
    package init?(json text: String) {
        guard let value = try? JSONBody.decode(JSONValue.self, from: text.utf8) else { return nil }
        self = value
    }

    /// This value as a JSON text; `nil` when it holds a number that JSON cannot.
    package var jsonText: String? {
        guard let bytes = try? JSONBody.encode(self) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
