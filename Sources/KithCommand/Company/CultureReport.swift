// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// The culture, for people.
package struct CultureReport: Sendable {
    private let width: Int?
    private let style: TerminalStyle

    package init(width: Int?, style: TerminalStyle) {
        self.width = width
        self.style = style
    }

    package func lines(_ entries: CultureMessage.Entries) -> [String] {
        guard !entries.insights.isEmpty else { return ["nothing here; kith companion now has a conversation"] }
        var table = TextTable([
            .init("ID"), .init("SCORE", .right), .init("TIMES", .right), .init("LEARNED"), .init("FROM", shrinks: true),
            .init("INSIGHT", shrinks: true),
        ])
        for entry in entries.insights {
            table.add([
                String(entry.insight.id.prefix(12)), StatusReport.rounded(entry.score), "\(entry.times)",
                TimeText.minute(entry.learned), entry.insight.peer,
                (entry.insight.reason.map { "[\($0)] " } ?? "") + entry.insight.text,
            ])
        }
        var lines = table.lines(width: width, style: style)
        if entries.total > entries.insights.count {
            lines.append(style.dim("\(entries.total - entries.insights.count) more; see --limit"))
        }
        return lines
    }

    package func lines(_ entry: CultureMessage.Entry) -> [String] {
        let insight = entry.insight
        let standing = insight.standing + (insight.reason.map { " (\($0))" } ?? "")
        var lines = [
            style.bold(insight.text.printable), "id        \(insight.id)", "standing  \(standing)",
            "topic     \(insight.topic.printable)", "from      \(insight.peer.printable), \(insight.tier)",
            "learned   \(TimeText.minute(entry.learned)) in exchange \(insight.exchange.printable)",
            "score     \(StatusReport.rounded(entry.score)), quality \(StatusReport.rounded(insight.quality))",
        ]
        if let model = insight.model { lines.append("model     \(model.printable)") }
        if entry.times > 1 { lines.append("learned \(entry.times) times") }
        return lines
    }
}
