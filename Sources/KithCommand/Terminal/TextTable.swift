// SPDX-License-Identifier: Apache-2.0

/// Rows and columns for a terminal, aligned by display width. What does not fit is left out by columns, those first that
/// matter least, and a line below says so.
package struct TextTable: Sendable {
    package struct Column: Sendable {
        package enum Alignment: Sendable { case left, right }

        /// How much a column matters to somebody who reads a row in order to do something.
        package enum Rank: Int, Comparable, CaseIterable, Sendable {
            /// Looked at now and then.
            case extra
            /// Explains the row.
            case useful
            /// What the table is looked at for. It is cut further before it is left out.
            case needed
            /// What a command that follows is told, such as an id: whole, or of no use.
            case first

            package static func < (one: Rank, other: Rank) -> Bool { one.rawValue < other.rawValue }
        }

        package var title: String
        package var rank: Rank
        package var alignment: Alignment
        /// The width below which a cut text tells nothing; `nil` for a column that is shown whole.
        package var leastWidth: Int?

        /// - Parameter least: Lets the column shrink, down to this width.
        package init(_ title: String, _ rank: Rank, _ alignment: Alignment = .left, least: Int? = nil) {
            self.title = title
            self.rank = rank
            self.alignment = alignment
            leastWidth = least
        }
    }

    private static let gap = 2

    private let columns: [Column]
    private var rows: [[String]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    /// Missing cells are empty, surplus ones are left out.
    package mutating func add(_ cells: [String]) {
        rows.append(columns.indices.map { $0 < cells.count ? cells[$0].printable : "" })
    }

    /// The titles and a line for each row; below them a line about the columns that did not fit, if there are any.
    ///
    /// - Parameters:
    ///   - width: Columns of the terminal; `nil` cuts nothing.
    ///   - style: The style of the titles.
    package func lines(width: Int?, style: TerminalStyle) -> [String] {
        let fit = fit(width)
        let missing = columns.count - fit.places.count
        guard let width, missing > 0 else { return lines(fit, style) }
        return lines(fit, style) + [style.dim(Self.note(missing, width: width))]
    }

    /// Without the line about columns that did not fit: for a picture that has no room for it.
    package func rowsOnly(width: Int?, style: TerminalStyle) -> [String] { lines(fit(width), style) }

    private func fit(_ width: Int?) -> TableFit {
        let widths = columns.indices.map { index in
            rows.reduce(columns[index].title.displayWidth) { max($0, $1[index].displayWidth) }
        }
        return TableFit(columns, widths: widths, limit: width, gap: Self.gap)
    }

    private func lines(_ fit: TableFit, _ style: TerminalStyle) -> [String] {
        [style.dim(line(columns.map(\.title), fit))] + rows.map { line($0, fit) }
    }

    private func line(_ cells: [String], _ fit: TableFit) -> String {
        var line = ""
        for (place, width) in fit.places {
            let text = cells[place].truncated(toWidth: width)
            let padding = String(repeating: " ", count: max(0, width - text.displayWidth))
            if !line.isEmpty { line += String(repeating: " ", count: Self.gap) }
            line += columns[place].alignment == .left ? text + padding : padding + text
        }
        while line.hasSuffix(" ") { line.removeLast() }
        return line
    }

    /// Every command that prints a table has `--json`.
    private static func note(_ missing: Int, width: Int) -> String {
        let count = missing == 1 ? "1 more column" : "\(missing) more columns"
        let whole = "\(count) in a wider terminal, or with --json"
        return whole.displayWidth <= width ? whole : "\(count): --json".truncated(toWidth: width)
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
