// SPDX-License-Identifier: Apache-2.0

/// Rows and columns for a terminal, aligned by display width.
package struct TextTable: Sendable {
    package struct Column: Sendable {
        package enum Alignment: Sendable { case left, right }

        package var title: String
        package var alignment: Alignment
        /// May be cut when the terminal is narrow; the widest of these is cut first.
        package var shrinks: Bool

        package init(_ title: String, _ alignment: Alignment = .left, shrinks: Bool = false) {
            self.title = title
            self.alignment = alignment
            self.shrinks = shrinks
        }
    }

    private static let gap = 2
    private static let leastWidth = 6

    private let columns: [Column]
    private var rows: [[String]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    /// Missing cells are empty, surplus ones are left out.
    package mutating func add(_ cells: [String]) {
        rows.append(columns.indices.map { $0 < cells.count ? cells[$0].printable : "" })
    }

    /// - Parameters:
    ///   - width: Columns of the terminal; `nil` cuts nothing.
    ///   - style: The style of the titles.
    package func lines(width: Int?, style: TerminalStyle) -> [String] {
        let widths = fittingWidths(width)
        let titles = line(columns.map(\.title), widths: widths)
        return [style.dim(titles)] + rows.map { line($0, widths: widths) }
    }

    private func fittingWidths(_ limit: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(columns[index].title.displayWidth) { max($0, $1[index].displayWidth) }
        }
        guard let limit else { return widths }
        let gaps = Self.gap * max(0, columns.count - 1)
        while widths.reduce(gaps, +) > limit {
            let candidates = columns.indices.filter { columns[$0].shrinks && widths[$0] > Self.leastWidth }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
        }
        return widths
    }

    private func line(_ cells: [String], widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let text = cell.truncated(toWidth: widths[index])
            let padding = String(repeating: " ", count: max(0, widths[index] - text.displayWidth))
            if index > 0 { line += String(repeating: " ", count: Self.gap) }
            line += columns[index].alignment == .left ? text + padding : padding + text
        }
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }
}

/// Whether and how text is coloured (ECMA-48, 8.3.117).
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
        case .coloured: text.isEmpty ? text : "\u{1B}[\(code)m\(text)\u{1B}\(Self.end)"
        }
    }

    /// For what a camera is to read, whatever the terminal's colours are.
    static let blackOnWhite = "[38;5;16;48;5;231m"
    /// What ends a style, without its escape character.
    static let end = "[0m"
    /// All sequences that are used here, without their escape character.
    static let sequences = [end, blackOnWhite] + ["1", "2", "31", "32", "33", "36"].map { "[\($0)m" }
}
