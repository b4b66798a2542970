// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A text in the form in which it is compared: lower case, plain digits, one kind of space and dash, nothing invisible.
///
/// What looks alike is made alike, so that a number in full-width digits or a word with a zero-width space in it is still
/// found. Not a full compatibility decomposition (Unicode Standard Annex 15): only forms that stand for ASCII characters.
package struct FoldedText: Sendable {
    package let scalars: [Unicode.Scalar]

    package init(_ text: String) {
        var folded: [Unicode.Scalar] = []
        folded.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars { Self.fold(scalar, into: &folded) }
        scalars = folded
    }

    private static func fold(_ scalar: Unicode.Scalar, into folded: inout [Unicode.Scalar]) {
        if scalar.isASCII {
            if "A"..."Z" ~= scalar {
                folded.append(Unicode.Scalar(UInt8(scalar.value) | 0x20))
            } else {
                folded.append(scalar.value < 0x20 ? " " : scalar)
            }
            return
        }
        if let plain = plain(scalar) {
            folded.append(plain)
            return
        }
        let properties = scalar.properties
        if properties.isDefaultIgnorableCodePoint { return }
        switch properties.generalCategory {
        case .format, .nonspacingMark, .enclosingMark, .unassigned, .privateUse: break
        case .spaceSeparator, .lineSeparator, .paragraphSeparator, .control: folded.append(" ")
        case .dashPunctuation: folded.append("-")
        case .decimalNumber:
            if let digit = properties.numericValue.flatMap(UInt8.init(exactly:)) {
                folded.append(Unicode.Scalar(0x30 + digit))
            }
        default: folded.append(contentsOf: properties.lowercaseMapping.unicodeScalars)
        }
    }

    /// The ASCII character, in lower case, of which a scalar is another form.
    private static func plain(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        func ascii(_ value: UInt32) -> Unicode.Scalar? {
            guard let byte = UInt8(exactly: value) else { return nil }
            let plain = Unicode.Scalar(byte)
            return "A"..."Z" ~= plain ? Unicode.Scalar(byte | 0x20) : plain
        }
        func letter(_ place: UInt32) -> Unicode.Scalar? { ascii(0x61 + place % 26) }
        switch scalar.value {
        case 0xFF01...0xFF5E: return ascii(scalar.value - 0xFF01 + 0x21)  // full width
        case 0x24B6...0x24E9: return letter(scalar.value - 0x24B6)  // circled
        case 0x1F130...0x1F149: return letter(scalar.value - 0x1F130)  // squared
        case 0x1F1E6...0x1F1FF: return letter(scalar.value - 0x1F1E6)  // regional indicators
        case 0x1D400...0x1D6A3: return letter(scalar.value - 0x1D400)  // mathematical
        case 0xFE52, 0x3002, 0xFF61, 0x2024: return "."
        case 0xFE55: return ":"
        case 0xFE6B: return "@"
        case 0x2215, 0x2044, 0x29F8: return "/"
        case 0x2018, 0x2019, 0x02BC: return "'"
        default: return nil
        }
    }
}

extension Unicode.Scalar {
    var isDigit: Bool { "0"..."9" ~= self }

    var isSmallLetter: Bool { "a"..."z" ~= self }

    /// Part of a word, in any script.
    var isWordPart: Bool {
        if isASCII { return isDigit || isSmallLetter || "A"..."Z" ~= self }
        let properties = properties
        return properties.isAlphabetic || properties.numericType != nil
    }

    /// Of a script that is written without spaces between words.
    var isOfUnspacedScript: Bool {
        switch value {
        case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xF900...0xFAFF, 0x20000...0x323AF:
            true
        default: false
        }
    }
}

/// A folded text cut at its spaces, as most rules need it.
struct TextScan: Sendable {
    typealias Piece = ArraySlice<Unicode.Scalar>

    let scalars: [Unicode.Scalar]
    /// What stands between spaces, without the brackets, quotes and full stops around it.
    let pieces: [Piece]

    init(_ text: FoldedText) {
        scalars = text.scalars
        pieces = scalars.split(separator: " ").map(Self.trimmed).filter { !$0.isEmpty }
    }

    private static func trimmed(_ piece: Piece) -> Piece {
        var piece = piece
        while let last = piece.last, closing.contains(last) { piece.removeLast() }
        while let first = piece.first, opening.contains(first) { piece.removeFirst() }
        return piece
    }

    private static let opening: Set<Unicode.Scalar> = [
        "(", "[", "{", "<", "\"", "'", "“", "„", "«", "*", "_", "¿", "¡",
    ]
    private static let closing: Set<Unicode.Scalar> = [
        ")", "]", "}", ">", "\"", "'", "”", "“", "»", "*", "_", ".", ",", ";", ":", "!", "?", "…", "。", "，",
    ]
}

extension TextScan.Piece {
    var text: String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: self)
        return String(text)
    }

    /// Cut at each of these, empty parts kept.
    func parts(at separator: Unicode.Scalar) -> [TextScan.Piece] {
        split(separator: separator, omittingEmptySubsequences: false)
    }

    func holds(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        return withUnsafeBufferPointer { place in wanted.withUnsafeBufferPointer { Self.holds(place, $0) } }
    }

    /// By pointers, since each text is searched for some twenty marks.
    private static func holds(
        _ place: UnsafeBufferPointer<Unicode.Scalar>, _ wanted: UnsafeBufferPointer<Unicode.Scalar>
    ) -> Bool {
        guard let sought = wanted.baseAddress, let text = place.baseAddress else { return wanted.isEmpty }
        let (first, size) = (sought.pointee.value, wanted.count * MemoryLayout<Unicode.Scalar>.stride)
        var at = 0
        while at <= place.count - wanted.count {
            if text[at].value == first, memcmp(text + at, sought, size) == 0 { return true }
            at += 1
        }
        return false
    }

    func starts(with text: String) -> Bool { starts(with: text.unicodeScalars) }
}
