// SPDX-License-Identifier: Apache-2.0

/// Which columns of a table a terminal has room for, and how wide each of them is.
struct TableFit {
    typealias Column = TextTable.Column

    /// All that is left of a needed column in a very narrow terminal: a few letters and the ellipsis.
    private static let floor = 6

    /// The columns that are shown, by their places in the table, with their widths.
    let places: [(place: Int, width: Int)]

    /// - Parameters:
    ///   - widths: What each column takes when it is shown whole.
    ///   - limit: Columns of the terminal; `nil` where there is no end.
    ///   - gap: Between two columns.
    init(_ columns: [Column], widths: [Int], limit: Int?, gap: Int) {
        guard let limit else {
            places = widths.enumerated().map { ($0, $1) }
            return
        }
        let least = zip(columns, widths).map { column, width in column.leastWidth.map { min($0, width) } ?? width }
        let shown = Self.shown(columns, least: least, limit: limit, gap: gap)
        let excess = shown.reduce(gap * (shown.count - 1) - limit) { $0 + widths[$1] }
        let fitting = Self.shrunk(columns, widths, least, shown, by: excess)
        places = shown.map { ($0, fitting[$0]) }
    }

    /// The columns that there is room for, those that matter most choosing first.
    private static func shown(_ columns: [Column], least: [Int], limit: Int, gap: Int) -> [Int] {
        var shown: [Int] = []
        var used = -gap
        for place in columns.indices.sorted(by: { (columns[$1].rank, $0) < (columns[$0].rank, $1) }) {
            if shown.isEmpty || used + gap + least[place] <= limit {
                shown.append(place)
                used += gap + least[place]
            } else if columns[place].rank == .needed, columns[place].leastWidth != nil, used + gap + floor <= limit {
                shown.append(place)
                break  // what is left of it must not shrink for less important ones
            }
        }
        return shown.sorted()
    }

    /// Takes from what matters least first, and there from the widest: down to the least widths as long as that helps, then
    /// from the others that may shrink, and at last from whatever there is.
    private static func shrunk(
        _ columns: [Column], _ widths: [Int], _ least: [Int], _ shown: [Int], by excess: Int
    ) -> [Int] {
        var widths = widths
        var excess = excess
        let shrinking = least.indices.map { columns[$0].leastWidth == nil ? widths[$0] : floor }
        for ends in [least, shrinking, widths.map { _ in 0 }] {
            for rank in Column.Rank.allCases {
                let places = shown.filter { columns[$0].rank == rank }
                while excess > 0 {
                    let wide = places.filter { widths[$0] > ends[$0] }
                    guard let widest = wide.max(by: { widths[$0] < widths[$1] }) else { break }
                    widths[widest] -= 1
                    excess -= 1
                }
            }
        }
        return widths
    }
}
