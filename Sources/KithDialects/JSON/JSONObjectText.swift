// SPDX-License-Identifier: Apache-2.0

import KithModel

/// A JSON object that comes in pieces, and whether it is whole by now; takes linear time.
struct JSONObjectText: Sendable {
    private let limit: Int
    private var text: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// Whether the brackets that were opened have all been closed.
    private var isBalanced = false
    private(set) var isEmpty = true
    /// Whether it is an object with nothing after it.
    private(set) var isObject = false

    /// - Parameter limit: In bytes.
    init(limit: Int) { self.limit = limit }

    var isTooLong: Bool { text.count > limit }

    mutating func append(_ piece: String) {
        guard !isTooLong else { return }
        let wasBalanced = isBalanced
        for byte in piece.utf8 { note(byte) }
        text.append(contentsOf: piece.utf8)
        if isBalanced, !wasBalanced { isObject = (try? JSONValue(parsing: text))?.objectValue != nil }
    }

    private mutating func note(_ byte: UInt8) {
        if byte == 0x20 || (0x09...0x0D).contains(byte) { return isEscaped = false }
        isEmpty = false
        if isBalanced { isObject = false }  // for good: it is balanced once only
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
            if depth <= 0 { isBalanced = true }
        default: break
        }
    }
}
