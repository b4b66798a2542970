// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// The levels that nodes and clients declare, for people.
package struct LevelsReport: Sendable {
    private let levels: [StateMessage.Level]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ levels: [StateMessage.Level], width: Int?, style: TerminalStyle) {
        self.levels = levels
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        guard !levels.isEmpty else { return ["nobody has declared a level; kith level set LEVEL does"] }
        var table = TextTable([
            .init("SOURCE", shrinks: true), .init("LEVEL", .right), .init("AT", shrinks: true), .init("WRITTEN"),
        ])
        for level in levels {
            table.add([
                level.name ?? level.source, StatusReport.rounded(level.level), level.node,
                TimeText.minute(level.writtenAt),
            ])
        }
        return table.lines(width: width, style: style)
    }

    package static func written(_ level: StateMessage.Level) -> [String] {
        ["the level of \(level.name ?? level.source) is \(StatusReport.rounded(level.level))".printable]
    }
}
