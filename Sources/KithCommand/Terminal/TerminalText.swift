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

    /// A picture over the whole screen, in place of the one before: each line over the old one and cleared to its end, so that
    /// nothing flickers. Terminals that know mode 2026 show it at once.
    package init(screen lines: [String]) {
        let body = lines.map { Self.line($0) + "\u{1B}[K" }.joined(separator: "\r\n")
        text = "\u{1B}[?2026h\u{1B}[H" + body + "\u{1B}[J\u{1B}[?2026l"
    }

    /// A line in place of the one that the cursor is on, which stays there.
    package init(inPlace line: String) { text = "\r" + Self.line(line) + "\u{1B}[K" }

    private init(control sequence: String) { text = sequence }

    /// Whether programs of this environment write UTF-8 to their terminal (POSIX, "Environment Variables", 8.2).
    package static func isUTF8(_ environment: [String: String]) -> Bool {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"]
        let locale = names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }?.lowercased() ?? "C"
        return locale.contains("utf-8") || locale.contains("utf8")
    }

    /// For a terminal that is not written to in UTF-8: the signs that reports are drawn with, each in one column of ASCII.
    package var ascii: String {
        String(text.map { Self.substitutes[$0] ?? (("\u{2400}"..."\u{2426}").contains($0) ? "?" : $0) })
    }

    private static let substitutes: [Character: Character] = [
        "\u{2014}": "-", "\u{2013}": "-", "\u{2026}": "~", "\u{00B7}": ".", "\u{2192}": ">", "\u{2713}": "+",
        "\u{2717}": "x", "\u{2588}": "#",
    ]

    /// xterm's alternate screen without a cursor, and back.
    package static let screenBegins = TerminalText(control: "\u{1B}[?1049h\u{1B}[?25l")
    package static let screenEnds = TerminalText(control: "\u{1B}[?25h\u{1B}[?1049l")

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
