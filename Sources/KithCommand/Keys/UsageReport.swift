// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// What was used, for people.
package struct UsageReport: TextReport, Sendable {
    private let usage: [ControlMessage.Usage]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ usage: [ControlMessage.Usage], width: Int?, style: TerminalStyle) {
        self.usage = usage
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        guard !usage.isEmpty else { return ["nothing was used in this time"] }
        var table = TextTable([
            .init("DAY", .needed), .init("KEY", .first), .init("NAME", .useful, least: 12),
            .init("MODEL", .useful, least: 12), .init("NODE", .extra, least: 12), .init("REQUESTS", .extra, .right),
            .init("READ", .needed, .right), .init("MADE", .needed, .right),
        ])
        for row in usage {
            table.add([
                row.day, row.key, row.name ?? "-", row.model, row.node, String(row.requests), String(row.promptTokens),
                String(row.completionTokens),
            ])
        }
        return table.lines(width: width, style: style)
    }
}
