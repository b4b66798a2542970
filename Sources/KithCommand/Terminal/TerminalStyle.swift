// SPDX-License-Identifier: Apache-2.0

/// Whether text is coloured, and with what (ECMA-48, 8.3.117).
package enum TerminalStyle: Sendable {
    case plain
    case coloured

    /// Colours only on a terminal, and not where `NO_COLOR` is set (no-color.org) or the terminal is `dumb`.
    package init(isTerminal: Bool, environment: [String: String]) {
        let refused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        self = isTerminal && !refused && environment["TERM"] != "dumb" ? .coloured : .plain
    }

    package func dim(_ text: String) -> String { wrapped(text, "2") }
    package func bold(_ text: String) -> String { wrapped(text, "1") }
    package func red(_ text: String) -> String { wrapped(text, "31") }
    package func green(_ text: String) -> String { wrapped(text, "32") }
    package func yellow(_ text: String) -> String { wrapped(text, "33") }
    package func cyan(_ text: String) -> String { wrapped(text, "36") }

    private func wrapped(_ text: String, _ code: String) -> String {
        switch self {
        case .plain: text
        case .coloured: text.isEmpty ? text : "\u{1B}[\(code)m\(text)\u{1B}[0m"
        }
    }
}
