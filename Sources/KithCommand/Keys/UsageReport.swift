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
            .init("DAY"), .init("KEY", shrinks: true), .init("MODEL", shrinks: true), .init("NODE", shrinks: true),
            .init("REQUESTS", .right), .init("READ", .right), .init("MADE", .right),
        ])
        for row in usage {
            let key = row.name.map { "\($0) (\(row.key))" } ?? row.key
            table.add([
                row.day, key, row.model, row.node, String(row.requests), String(row.promptTokens),
                String(row.completionTokens),
            ])
        }
        return table.lines(width: width, style: style)
    }
}
