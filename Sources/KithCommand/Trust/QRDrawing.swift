// SPDX-License-Identifier: Apache-2.0

/// The modules of a QR code (ISO/IEC 18004), row by row.
package struct QRMatrix: Hashable, Sendable {
    package let size: Int
    private let isDark: [Bool]

    /// - Returns: `nil` unless there are `size` rows of `size` modules.
    package init?(size: Int, isDark: [Bool]) {
        guard (1...177).contains(size), isDark.count == size * size else { return nil }
        self.size = size
        self.isDark = isDark
    }

    /// Modules outside are light.
    package func isDark(row: Int, column: Int) -> Bool {
        (0..<size).contains(row) && (0..<size).contains(column) && isDark[row * size + column]
    }
}

/// A QR code for a terminal, two modules to a character.
package struct QRDrawing: Sendable {
    /// Light modules around the code that readers need (ISO/IEC 18004, 6.3.8).
    private static let quietZone = 4

    private let matrix: QRMatrix

    package init(_ matrix: QRMatrix) { self.matrix = matrix }

    /// Columns.
    package var width: Int { matrix.size + 2 * Self.quietZone }

    /// Black on white by colours that no theme changes (16 and 231 of the 256), so that it can be read on dark and on
    /// light terminals.
    package var lines: [String] {
        let range = -Self.quietZone..<matrix.size + Self.quietZone
        return stride(from: range.lowerBound, to: range.upperBound, by: 2).map { row in
            let blocks = range.map { column in
                Self.block(
                    upper: matrix.isDark(row: row, column: column), lower: matrix.isDark(row: row + 1, column: column))
            }
            return "\u{1B}[38;5;16;48;5;231m" + blocks.joined() + "\u{1B}[0m"
        }
    }

    private static func block(upper: Bool, lower: Bool) -> String {
        switch (upper, lower) {
        case (false, false): " "
        case (true, false): "▀"
        case (false, true): "▄"
        case (true, true): "█"
        }
    }
}
