// SPDX-License-Identifier: Apache-2.0

/// How far something has come that takes a while, as one line.
package struct ProgressBar: Hashable, Sendable {
    package enum Unit: Hashable, Sendable {
        case bytes
        /// Such as `writes`.
        case things(String)
    }

    /// What is done.
    package var label: String
    package var done: Int
    /// `nil` where nobody knows.
    package var total: Int?
    package var unit: Unit

    package init(_ label: String, done: Int, of total: Int?, _ unit: Unit) {
        self.label = label
        self.done = max(0, done)
        self.total = total
        self.unit = unit
    }

    private static let most = 30
    private static let least = 8

    /// `installing the model  [=========>          ]  47 %  46 of 98 MB`, with a shorter bar or none in narrow terminals.
    ///
    /// - Parameter width: Columns.
    package func line(width: Int) -> String {
        let counted = counted
        guard let total, total > 0 else { return "\(label)  \(counted)".printable.truncated(toWidth: width) }
        let share = min(1, Double(done) / Double(total))
        let percent = "\(Int(share * 100)) %"
        let bar = min(Self.most, width - label.displayWidth - counted.displayWidth - 12)
        guard bar >= Self.least else {
            return "\(label)  \(percent)  \(counted)".printable.truncated(toWidth: width)
        }
        let filled = Int(share * Double(bar))
        let isUnderWay = filled > 0 && filled < bar
        let head = String(repeating: "=", count: isUnderWay ? filled - 1 : filled) + (isUnderWay ? ">" : "")
        let rest = String(repeating: " ", count: bar - filled)
        let padding = String(repeating: " ", count: 6 - min(6, percent.count))
        return "\(label.printable)  [\(head)\(rest)]\(padding)\(percent)  \(counted)"
    }

    private var counted: String {
        switch unit {
        case .bytes:
            let whole = total.map { " of \(Self.megabytes($0))" } ?? ""
            return "\(Self.megabytes(min(done, total ?? done)))\(whole) MB"
        case .things(let name):
            return total.map { "\(min(done, $0)) of \($0) \(name)" } ?? "\(done) \(name)"
        }
    }

    private static func megabytes(_ bytes: Int) -> Int { bytes / 1_000_000 }
}
