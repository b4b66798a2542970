// SPDX-License-Identifier: Apache-2.0

/// How a file of weights is cut into pieces: a pure value, and the same on every machine.
package struct PieceLayout: Hashable, Sendable {
    /// Bytes of a piece, unless there would be too many.
    static let ordinary = 4 << 20
    static let countLimit = 16_384
    /// Bytes of the largest file.
    static let largest = 1 << 42

    package let bytes: Int
    /// Of each piece but the last.
    package let pieceBytes: Int

    /// - Parameter bytes: Of the file; `nil` comes of none and of more than ``largest``.
    package init?(bytes: Int) {
        guard (1...Self.largest).contains(bytes) else { return nil }
        var pieceBytes = Self.ordinary
        while (bytes + pieceBytes - 1) / pieceBytes > Self.countLimit { pieceBytes *= 2 }
        self.bytes = bytes
        self.pieceBytes = pieceBytes
    }

    package var count: Int { (bytes + pieceBytes - 1) / pieceBytes }

    /// The bytes of a piece, from 0 to ``count`` - 1.
    package func range(of piece: Int) -> Range<Int> {
        let start = min(piece * pieceBytes, bytes)
        return start..<min(start + pieceBytes, bytes)
    }
}
