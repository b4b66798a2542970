// SPDX-License-Identifier: Apache-2.0

package import KithDialects
import KithModel

/// The conversations that a node keeps, for people.
package struct SessionsReport: Sendable {
    private let sessions: [SessionMessage.Summary]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ sessions: [SessionMessage.Summary], width: Int?, style: TerminalStyle) {
        self.sessions = sessions
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        guard !sessions.isEmpty else { return ["this node keeps no conversations; POST /api/chat begins one"] }
        var table = TextTable([
            .init("SESSION", shrinks: true), .init("TURNS", .right), .init("LAST USED"), .init("NODE", shrinks: true),
        ])
        for session in sessions {
            table.add([
                session.id, "\(session.turnCount)", TimeText.minute(session.lastUsedAt), session.node,
            ])
        }
        return table.lines(width: width, style: style)
    }

    /// What was said, under who said it.
    package static func transcript(_ session: SessionMessage.Session, style: TerminalStyle) -> [String] {
        var lines: [String] = []
        if session.isCut { lines.append(style.dim("… older turns are left out")) }
        for turn in session.turns {
            let speaker = [turn.role.rawValue, turn.model.map { "(\($0))" }, turn.node.map { "at \($0)" }]
                .compactMap(\.self).joined(separator: " ")
            lines.append(style.bold(speaker.printable) + style.dim("  " + TimeText.minute(turn.at).printable))
            lines += turn.text.split(separator: "\n", omittingEmptySubsequences: false)
                .map { "  " + String($0).printable }
        }
        return lines
    }

    package static func sent(_ sent: SessionMessage.Sent) -> [String] {
        ["sent \(sent.session) to \(sent.to.name); it goes on there, and is no longer here".printable]
    }
}
