// SPDX-License-Identifier: Apache-2.0

import KithCommand
import Testing

@Suite("QR codes on a terminal")
struct QRDrawingTests {
    private func plain(_ line: String) -> String {
        line.replacing("\u{1B}[38;5;16;48;5;231m", with: "").replacing("\u{1B}[0m", with: "")
    }

    @Test("Two rows make a line of half blocks, with four light modules around")
    func drawing() throws {
        let matrix = try #require(QRMatrix(size: 2, isDark: [true, false, true, true]))
        let drawing = QRDrawing(matrix)
        #expect(drawing.width == 10)
        let blank = String(repeating: " ", count: 10)
        #expect(drawing.lines.map(plain) == [blank, blank, "    █▄    ", blank, blank])
    }

    @Test("An odd number of rows leaves the lower half of the last line light")
    func odd() throws {
        let drawing = QRDrawing(try #require(QRMatrix(size: 1, isDark: [true])))
        #expect(drawing.lines.map(plain)[2] == "    ▀    ")
        #expect(drawing.lines.count == 5)
    }

    @Test("Every line sets both colours itself and resets them")
    func colours() throws {
        for line in QRDrawing(try #require(QRMatrix(size: 1, isDark: [false]))).lines {
            #expect(line.hasPrefix("\u{1B}[38;5;16;48;5;231m") && line.hasSuffix("\u{1B}[0m"))
        }
    }

    @Test("Modules that are no square are no code", arguments: [(0, 0), (2, 3), (178, 178 * 178), (-1, 1)])
    func refused(size: Int, count: Int) {
        #expect(QRMatrix(size: size, isDark: Array(repeating: true, count: count)) == nil)
    }
}
