// SPDX-License-Identifier: Apache-2.0

/// What is typed or pasted at a prompt that shows nothing: bytes and pauses in, a verdict out.
///
/// A paste may hold line ends, so that one ends the input only when nothing follows it for a moment.
package struct HiddenInput: Sendable {
    package enum Verdict: Hashable, Sendable {
        case goOn
        case done
        case interrupted
        /// More came than is ever asked for.
        case tooLong
    }

    private var bytes: [UInt8] = []
    private let limit: Int

    /// - Parameter limit: Bytes.
    package init(limit: Int) { self.limit = limit }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether a pause now would end the input.
    package var mayEnd: Bool {
        bytes.last == UInt8(ascii: "\n") && bytes.contains { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: " ") }
    }

    /// - Parameter byte: As a terminal sends it without its own line editing.
    package mutating func take(_ byte: UInt8) -> Verdict {
        switch byte {
        case 0x03: return .interrupted  // Ctrl-C
        case 0x04: return .done  // Ctrl-D
        case 0x08, 0x7F:  // backspace
            while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
        case 0x15: bytes = []  // Ctrl-U
        case 0x0A, 0x0D: bytes.append(UInt8(ascii: "\n"))
        default: bytes.append(byte)
        }
        return bytes.count > limit ? .tooLong : .goOn
    }
}
