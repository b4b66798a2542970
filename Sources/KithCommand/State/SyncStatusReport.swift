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
            return lines + ["no kin; pair another machine: kith invite --tier kin here, kith join there"]
        }
        var table = TextTable([
            .init("NODE", shrinks: true), .init("STATE"), .init("LEVEL", .right), .init("LAST EXCHANGE", .right),
            .init("WHY", shrinks: true),
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

    /// As seen from the node that was asked: who is behind lacks something that it has.
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
