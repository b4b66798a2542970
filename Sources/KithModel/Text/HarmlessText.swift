// SPDX-License-Identifier: Apache-2.0

/// Text that somebody else chose — a peer, an engine, a model, a client — made harmless for those who read it in a terminal
/// or a log. Everything of the kind goes through here before it gets there.
///
/// Each character is decided on by itself: a sequence of control characters that was cut over several pieces is as harmless
/// as one that came whole, and what was made harmless once stays as it is. Control characters become their pictures
/// (U+2400 to U+2421), so that it can be seen that they were there.
package struct HarmlessText: Hashable, Sendable, CustomStringConvertible {
    /// Where the text is to stand.
    package enum Place: Sendable {
        /// Within a line, such as a value in the log: whatever would end the line becomes a space, and so does a tab.
        case line
        /// Lines of its own: their ends and tabs stay.
        case block
    }

    package let description: String

    /// - Parameter limit: The most bytes of UTF-8; longer text is cut and ends with `…`.
    package init(_ text: String, for place: Place = .line, limit: Int? = nil) {
        let harmless = Self.isHarmless(text, for: place) ? text : Self.replacing(in: text, for: place)
        if let limit, harmless.utf8.count > limit {
            description = harmless.cut(toBytes: max(0, limit - Self.mark.utf8.count)) + Self.mark
        } else {
            description = harmless
        }
    }

    /// Whether a character may change what a reader sees of others: controls (ECMA-48) and the embeddings, overrides and
    /// isolates of the bidirectional algorithm (Unicode Standard Annex 9).
    package static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// Stands for what was cut off.
    private static let mark = "…"

    /// Most texts are plain ASCII, and are not made anew.
    private static func isHarmless(_ text: String, for place: Place) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case 0x20..<0x7F: true
            case UInt8(ascii: "\n"), UInt8(ascii: "\t"): place == .block
            default: false
            }
        }
    }

    private static func replacing(in text: String, for place: Place) -> String {
        var harmless = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if let kept = kept(scalar, for: place) { harmless.append(kept) }
        }
        return String(harmless)
    }

    private static func kept(_ scalar: Unicode.Scalar, for place: Place) -> Unicode.Scalar? {
        switch scalar {
        case "\n", "\t": return place == .block ? scalar : " "
        case "\u{85}", "\u{2028}", "\u{2029}": return place == .block ? "\n" : " "
        // Before a line end it says nothing, and alone it would write over the line.
        case "\r": return place == .block ? nil : " "
        case "\u{7F}": return "\u{2421}"
        case "\0"..<" ": return Unicode.Scalar(0x2400 + scalar.value)
        case _ where isHarmful(scalar): return "\u{FFFD}"
        // Scripts and emoji need these.
        case "\u{200C}", "\u{200D}", "\u{200E}", "\u{200F}", "\u{61C}": return scalar
        default: return scalar.properties.generalCategory == .format ? nil : scalar
        }
    }
}
