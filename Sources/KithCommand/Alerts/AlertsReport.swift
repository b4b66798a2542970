// SPDX-License-Identifier: Apache-2.0

package import KithDialects

/// The alerts of the mesh, for people.
package struct AlertsReport: TextReport {
    private let report: AlertMessage.Report
    private let width: Int?
    private let style: TerminalStyle

    package init(_ subject: AlertMessage.Report, width: Int?, style: TerminalStyle) {
        report = subject
        self.width = width
        self.style = style
    }

    package var lines: [String] {
        var lines = alertLines
        if !report.silences.isEmpty { lines += [""] + silenceLines }
        return lines
    }

    private var alertLines: [String] {
        guard !report.alerts.isEmpty else { return ["nothing needs attention"] }
        var table = TextTable([
            .init("STATE", .needed), .init("ALERT", .first), .init("NODE", .needed, least: 12),
            .init("SINCE", .extra), .init("FOUND", .useful, least: 20), .init("TOLD BY", .extra, least: 8),
        ])
        for alert in report.alerts {
            table.add([
                alert.state == "firing" ? alert.severity : alert.state, alert.alert, alert.subject.name,
                TimeText.minute(alert.since), alert.detail,
                alert.silence.map { "silence \($0)" } ?? alert.told_by ?? "",
            ])
        }
        let advice = report.alerts.filter { $0.state == "firing" }.map {
            ($0.severity == "critical" ? style.red("!") : style.yellow("!")) + " " + $0.text.printable
        }
        return table.lines(width: width, style: style) + (advice.isEmpty ? [] : [""] + advice)
    }

    private var silenceLines: [String] {
        var table = TextTable([
            .init("SILENCE", .first), .init("ALERT", .needed), .init("NODE", .useful, least: 12),
            .init("UNTIL", .useful), .init("WHY", .extra, least: 16),
        ])
        for silence in report.silences {
            table.add([
                silence.id, silence.condition ?? "all", silence.subject?.name ?? "all", TimeText.minute(silence.until),
                silence.reason,
            ])
        }
        return table.lines(width: width, style: style)
    }

    /// What a silence that was just made does.
    package static func line(_ silence: AlertMessage.Silence) -> String {
        "nobody is told of \(silence.condition ?? "any alert")"
            + (silence.subject.map { " of \($0.name.printable)" } ?? "")
            + " until \(TimeText.minute(silence.until)); kith alerts unsilence \(silence.id.printable) ends that"
    }
}
