// SPDX-License-Identifier: Apache-2.0

/// A folded text cut at its spaces, as most rules want it.
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
        guard count >= wanted.count else { return false }
        return (startIndex...(endIndex - wanted.count)).contains { self[$0...].starts(with: wanted) }
    }

    func starts(with text: String) -> Bool { starts(with: text.unicodeScalars) }
}
