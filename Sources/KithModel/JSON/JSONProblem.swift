// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not JSON (RFC 8259), and where.
package struct JSONProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Hashable, Sendable {
        case unexpectedByte = "an unexpected byte"
        case unexpectedEnd = "the end"
        case tooDeep = "too many levels"
        case invalidUTF8 = "bytes that are no UTF-8"
        case trailingBytes = "something after the end"
    }

    package var kind: Kind
    /// Bytes before it.
    package var offset: Int

    package init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    package var description: String { "\(kind.rawValue) at byte \(offset)" }
}
