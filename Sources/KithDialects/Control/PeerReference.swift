// SPDX-License-Identifier: Apache-2.0

/// How an owner points at a peer: its name, its id, or the first group of its id. Which peer it is, the node decides.
///
/// Fits into a path without escapes.
package struct PeerReference: Hashable, Sendable, CustomStringConvertible {
    package static let longest = 64

    package let rawValue: String

    /// Spaces do not matter, as ids are written with them at times.
    ///
    /// - Returns: `nil` when the text is empty, longer than 64 characters, or holds what neither names nor ids do.
    package init?(_ text: String) {
        let bytes = text.utf8.filter { $0 != UInt8(ascii: " ") }
        guard (1...Self.longest).contains(bytes.count), bytes.allSatisfy(Self.isAllowed) else { return nil }
        rawValue = String(decoding: bytes, as: UTF8.self)
    }

    package var description: String { rawValue }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
