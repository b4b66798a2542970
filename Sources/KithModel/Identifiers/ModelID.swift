// SPDX-License-Identifier: Apache-2.0

/// The name under which an engine offers a model, such as `llama3.2:3b` or `smollm2-135m-instruct`.
package struct ModelID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: String

    package init(_ rawValue: String) { self.rawValue = rawValue }

    package var description: String { rawValue }

    package static func < (left: ModelID, right: ModelID) -> Bool { left.rawValue < right.rawValue }
}

extension ModelID: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self.init(value) }
}

extension ModelID: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
