// SPDX-License-Identifier: Apache-2.0

/// What a peer has said, made harmless: data of bounded length, never followed.
package struct ReceivedWords: Hashable, Sendable {
    package enum Fault: String, Hashable, Sendable, Error {
        case empty = "it said nothing"
        case markup = "it answered with a page instead of words"
        case gibberish = "it answered with something that is not words"
    }

    /// Characters that are kept of an answer.
    package static let limit = 2_000

    package let text: String

    /// - Parameter raw: As it came, with invalid UTF-8 replaced; control characters, invisible ones and marks that change
    ///   the direction of writing are dropped; white space is one space.
    /// - Throws: ``Fault`` for what is no answer.
    package init(_ raw: String) throws(Fault) {
        var kept = String.UnicodeScalarView()
        var (count, isSpaced) = (0, true)
        for scalar in raw.unicodeScalars.prefix(16 * Self.limit) where count < Self.limit {
            if scalar.properties.isWhitespace || scalar.properties.generalCategory == .control {
                if !isSpaced {
                    kept.append(" ")
                    count += 1
                }
                isSpaced = true
                continue
            }
            if Self.isInvisible(scalar) { continue }
            kept.append(scalar)
            isSpaced = false
            count += 1
        }
        if kept.last == " " { kept.removeLast() }
        guard !kept.isEmpty else { throw .empty }
        text = String(kept)
        let start = text.prefix(200).lowercased()
        if start.hasPrefix("<!doctype") || start.hasPrefix("<html") || start.hasPrefix("<?xml")
            || start.contains("<body")
        {
            throw .markup
        }
        let letters = kept.count { $0.properties.isAlphabetic }
        let broken = kept.count { $0 == "\u{FFFD}" }
        guard letters >= 2, letters * 2 >= kept.count, broken * 10 < kept.count else { throw .gibberish }
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .format: scalar.value != 0x200D && scalar.value != 0x200C  // joiners are part of words in some scripts
        case .privateUse, .surrogate, .unassigned: true
        default: scalar.properties.isNoncharacterCodePoint
        }
    }
}
