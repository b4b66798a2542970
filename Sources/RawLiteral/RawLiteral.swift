// SPDX-License-Identifier: Apache-2.0

/// A text as a raw literal of Swift over several lines, for the tools of the build: an array of bytes takes the compiler long.
package enum RawLiteral {
    /// - Parameter text: Without control characters but line feeds and tabs.
    package static func of(_ text: String) -> String {
        // More marks than stand in a row anywhere in it, so that nothing in it ends the literal.
        var (longest, current) = (0, 0)
        for byte in text.utf8 {
            current = byte == UInt8(ascii: "#") ? current + 1 : 0
            longest = max(longest, current)
        }
        let marks = String(repeating: "#", count: longest + 1)
        return "\(marks)\"\"\"\n\(text)\n\"\"\"\(marks)"
    }
}
