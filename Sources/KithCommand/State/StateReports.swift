// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel

/// How far a node and its kin agree, for people.
package struct SyncStatusReport: Sendable {
    private let sync: StateMessage.Sync
    private let now: WallTime
    private let width: Int?
    private let style: TerminalStyle

    package init(_ sync: StateMessage.Sync, now: WallTime, width: Int?, style: TerminalStyle) {
        self.sync = sync
        self.now = now
        self.width = width
        self.style = style
    }

    /// The node itself, and a line for each kin.
    package var lines: [String] {
        var lines = [heading]
        if sync.quarantined > 0 {
            lines.append(
                style.red(
                    "\(sync.quarantined) writes come from clocks that run ahead, and wait for their time; set the clocks"
                ))
        }
        guard !sync.kin.isEmpty else {
            return lines + ["no kin; pair another machine: kith setup --yes --lan here, kith setup --join there"]
        }
        var table = TextTable([
            .init("NODE", .needed, least: 12), .init("STATE", .needed, least: 20), .init("LEVEL", .extra, .right),
            .init("LAST EXCHANGE", .useful, .right), .init("WHY", .useful, least: 20),
        ])
        for kin in sync.kin {
            table.add([
                kin.name, words(for: kin), kin.level.map(StatusReport.rounded) ?? "-",
                kin.exchangedSecondsAgo.map { StatusReport.age($0) + " ago" } ?? "never", kin.problem ?? "",
            ])
        }
        return lines + [""] + table.lines(width: width, style: style)
    }

    private var heading: String {
        let level = sync.level.map { ", level \(StatusReport.rounded($0))" } ?? ""
        return style.bold(sync.node.printable) + "  \(sync.operations) writes kept" + level
    }

    /// As seen from the node that was asked: a kin that is behind lacks something that this node has.
    private func words(for kin: StateMessage.Sync.Kin) -> String {
        switch kin.state {
        case .inStep: "in step"
        case .behind: "behind by \(kin.behindBy)"
        case .ahead: "ahead by \(kin.aheadBy)"
        case .diverged: "behind by \(kin.behindBy), ahead by \(kin.aheadBy)"
        case .unreachable: unreachable(kin)
        case .unknown: "not heard yet"
        }
    }

    private func unreachable(_ kin: StateMessage.Sync.Kin) -> String {
        let since = kin.unreachableSince.map { " since " + TimeText.since($0, now: now) } ?? ""
        return "unreachable" + since + (kin.behindBy > 0 ? ", behind by \(kin.behindBy)" : "")
    }
}

/// The levels that nodes and clients declare, for people.
package struct LevelsReport: TextReport, Sendable {
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
            .init("SOURCE", .needed, least: 16), .init("LEVEL", .needed, .right), .init("AT", .useful, least: 12),
            .init("WRITTEN", .extra),
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

/// The conversations that a node keeps, for people.
package struct SessionsReport: TextReport, Sendable {
    private let sessions: [SessionMessage.Summary]
    private let width: Int?
    private let style: TerminalStyle

    package init(_ sessions: [SessionMessage.Summary], width: Int?, style: TerminalStyle) {
        self.sessions = sessions
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        guard !sessions.isEmpty else { return ["this node keeps no conversations yet; kith chat begins one"] }
        var table = TextTable([
            .init("SESSION", .first), .init("TURNS", .useful, .right), .init("LAST USED", .useful),
            .init("NODE", .extra, least: 12),
        ])
        for session in sessions {
            table.add([
                session.id, "\(session.turnCount)", TimeText.minute(session.lastUsedAt), session.node,
            ])
        }
        return table.lines(width: width, style: style)
    }

    /// The messages, each below the name of its author.
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
