// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel
import KithTrust

/// The lines for standard error that go with a code: what to do with it, and what it will mean.
package struct InvitationNotes: Sendable {
    private let invitation: ControlMessage.Invitation

    package init(_ invitation: ControlMessage.Invitation) { self.invitation = invitation }

    /// What is to be known before the code is copied.
    ///
    /// - Parameter hasNetwork: Whether this machine has an address at which others could reach it.
    package func warnings(hasNetwork: Bool) -> [String] {
        guard invitation.isForThisMachineOnly else { return [] }
        guard hasNetwork else {
            return [
                "warning: no other machine can use this code: there is no network address;",
                "plug the cable in, or join the wireless network, and run kith invite again",
            ]
        }
        return [
            "warning: no other machine can use this code: this node listens here only;",
            invitation.tier == .kin
                ? "this opens it and makes a new one: kith setup --yes --lan"
                : "open it, without its code, which is for a machine of yours: kith setup --yes --lan >/dev/null; then make a new one",
        ]
    }

    package var lines: [String] {
        [
            "on the other machine, run kith join and paste the code"
        ] + (invitation.words.map { ["or, in the same network, type these six words:", "  " + $0] } ?? []) + [
            "it works once, for " + Lifetime.words(invitation.expiresSeconds)
                + "; where no node runs yet: kith setup --join",
            "that machine becomes \(invitation.tier.meaning)",
        ]
    }
}

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

    /// A line a row, `1` for a dark module.
    package var rows: [String] {
        (0..<size).map { row in
            String(isDark[row * size..<(row + 1) * size].map { $0 ? "1" : "0" })
        }
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
            return "\u{1B}" + TerminalStyle.blackOnWhite + blocks.joined() + "\u{1B}" + TerminalStyle.end
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

/// A pairing code as it comes out of a clipboard or a pipe.
package enum PastedCode {
    /// Joins lines, drops what terminals put around a paste, and writes one hyphen for spaces, line ends, and the dashes that word
    /// processors insert: neither codes nor words have anything else between their characters. The node judges the rest.
    ///
    /// - Throws: ``CommandError`` with `usage` when nothing is left, or more than any code has.
    package static func clean(_ text: String) throws(CommandError) -> String {
        guard text.utf8.count <= InvitationLimits.longestCode else {
            throw CommandError(.usage, "that is too long to be a code; paste what kith invite printed, and only that")
        }
        let bare = text.replacing(pasteStart, with: "").replacing(pasteEnd, with: "")
        var code = String.UnicodeScalarView()
        for scalar in bare.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .format: continue
            case .control, .spaceSeparator, .lineSeparator, .paragraphSeparator, .dashPunctuation:
                if let last = code.last, last != "-" { code.append("-") }
            default: code.append(scalar)
            }
        }
        if code.last == "-" { code.removeLast() }
        // What is not shown is easily pasted twice.
        let digits = code.filter { $0 != "-" }
        if digits.count.isMultiple(of: 2),
            digits.prefix(digits.count / 2).elementsEqual(digits.suffix(digits.count / 2)),
            case .success = PairingCode.read(String(String.UnicodeScalarView(digits.prefix(digits.count / 2))))
        {
            return String(String.UnicodeScalarView(digits.prefix(digits.count / 2)))
        }
        guard !code.isEmpty else {
            throw CommandError(.usage, "there is no code; kith invite on the other machine prints one")
        }
        return String(code)
    }

    /// The code in a text that also has what `kith invite` writes below it: the first lines that are a whole code together.
    ///
    /// - Returns: All of the text where no such lines are.
    package static func first(in text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline).prefix(64)
        for count in lines.indices {
            let beginning = lines[...count].joined(separator: "\n")
            if let code = try? clean(beginning), case .success = PairingCode.read(code) { return beginning }
        }
        return text
    }

    // XTerm's bracketed paste.
    private static let pasteStart = "\u{1B}[200~"
    private static let pasteEnd = "\u{1B}[201~"
}

/// The input of a prompt that does not show what is typed or pasted: bytes and pauses in, a verdict out.
///
/// A paste may hold line ends, so a line end ends the input only when nothing follows it for a moment.
package struct HiddenInput: Sendable {
    package enum Verdict: Hashable, Sendable {
        case goOn
        case done
        case interrupted
        /// The input is longer than any that is asked for.
        case tooLong
    }

    private var bytes: [UInt8] = []
    private let limit: Int

    /// Whether there was nothing before a line end, by which somebody may want to end the prompt.
    package var isEmptyLine: Bool { !bytes.isEmpty && bytes.allSatisfy { $0 == UInt8(ascii: "\n") } }

    /// - Parameter limit: Bytes.
    package init(limit: Int) { self.limit = limit }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether a pause now would end the input.
    package var mayEnd: Bool {
        bytes.last == UInt8(ascii: "\n") && bytes.contains { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: " ") }
    }

    /// Whether the last line is empty: whoever is asked for the rest has none.
    package var isGivenUp: Bool { mayEnd && bytes.suffix(2).elementsEqual("\n\n".utf8) }

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
