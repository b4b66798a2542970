// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What goes to the terminal. There is no other way to it, so that what peers, engines and models say gets there harmless
/// even from a report that forgot that.
package struct TerminalText: Hashable, Sendable {
    package let text: String

    /// Lines of reports, each of them one line: of escape sequences only the styles of ``TerminalStyle`` stay.
    package init(lines: [String]) { text = lines.map { Self.line($0) + "\n" }.joined() }

    /// A question or a note that the next output follows in the same line.
    package init(unended line: String) { text = Self.line(line) }

    /// Text of several lines that ends as it does.
    package init(document: String) { text = HarmlessText(document, for: .block).description }

    /// A piece of what a model answers. A file or another program gets it byte for byte, since it may be data; a terminal
    /// would do what it says.
    package init(answer piece: String, isTerminal: Bool) {
        text = isTerminal ? HarmlessText(piece, for: .block).description : piece
    }

    /// JSON that means the same, with everything escaped that a terminal would act on (RFC 8259, section 7).
    package init(json: String) {
        guard json.unicodeScalars.contains(where: Self.isEscaped) else {
            text = json
            return
        }
        text = json.unicodeScalars.reduce(into: "") { escaped, scalar in
            if Self.isEscaped(scalar) {
                let digits = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
    }

    /// Outside of texts JSON has line ends and tabs only; all that are escaped have four digits at most.
    private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
        HarmlessText.isHarmful(scalar) && scalar != "\n" && scalar != "\t" && scalar != "\r"
    }

    private static func line(_ line: String) -> String {
        var parts = line.unicodeScalars.split(separator: "\u{1B}", omittingEmptySubsequences: false)
            .map { String(String.UnicodeScalarView($0)) }
        let first = HarmlessText(parts.removeFirst()).description
        var isStyled = false
        let rest = parts.map { part in
            guard let style = TerminalStyle.sequences.first(where: { part.hasScalars($0) }) else {
                return HarmlessText("\u{1B}" + part).description
            }
            isStyled = style != TerminalStyle.end
            let said = String(String.UnicodeScalarView(part.unicodeScalars.dropFirst(style.unicodeScalars.count)))
            return "\u{1B}" + style + HarmlessText(said).description
        }
        return first + rest.joined() + (isStyled ? "\u{1B}" + TerminalStyle.end : "")
    }
}

extension String {
    /// Like `hasPrefix`, for which `m` is not a part of `m` with an accent.
    fileprivate func hasScalars(_ start: String) -> Bool { unicodeScalars.starts(with: start.unicodeScalars) }
}
