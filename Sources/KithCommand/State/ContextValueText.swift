// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel

/// Values of the context as people type and read them.
package enum ContextValueText {
    /// An object, an array, a number, `true` or `false` where the text is such JSON; else the text as it stands.
    package static func value(_ text: String) -> JSONValue {
        switch JSONValue(json: text) {
        case nil, .null, .string: .string(text)
        case .numeral(let number) where number.doubleValue == nil: .string(text)
        case let value?: value
        }
    }

    /// A string without quotes, everything else as JSON.
    package static func text(_ value: JSONValue) -> String {
        if case .string(let text) = value { return text }
        return value.jsonText ?? "?"
    }
}
