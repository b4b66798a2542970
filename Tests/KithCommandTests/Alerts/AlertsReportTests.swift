// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import Testing

@Suite("What kith alerts prints")
struct AlertsReportTests {
    private static let plain = TerminalStyle(isTerminal: false, environment: [:])

    private static func alert(_ state: String, silence: String? = nil, toldBy: String? = nil) -> AlertMessage.Alert {
        AlertMessage.Alert(
            alert: "peer-down", state: state, severity: "warning", subject: .init(id: "X", name: "laptop"),
            since: "2026-03-01T12:00:00.000000Z", until: nil, text: "laptop does not answer: see\u{1B}[31m to it",
            detail: "it is down", seen_by: ["desk"], told_by: toldBy, silence: silence)
    }

    private static func lines(
        _ alerts: [AlertMessage.Alert], _ silences: [AlertMessage.Silence] = [], width: Int? = nil
    ) -> [String] {
        AlertsReport(.init(alerts: alerts, silences: silences), width: width, style: plain).lines
    }

    @Test("Nothing needs attention")
    func nothing() {
        #expect(Self.lines([]) == ["nothing needs attention"])
    }

    @Test(
        "What fires is shown by its severity, with who told of it and what to do; control characters are not passed on")
    func firing() {
        let lines = Self.lines([Self.alert("firing", toldBy: "desk"), Self.alert("pending")])
        #expect(lines[1].split(separator: " ").prefix(3) == ["warning", "peer-down", "laptop"])
        #expect(lines[1].hasSuffix("desk"))
        #expect(lines[2].hasPrefix("pending"))
        #expect(lines.last?.hasPrefix("! laptop does not answer") == true)
        #expect(lines.allSatisfy { !$0.contains("\u{1B}") })
        #expect(lines.count == 5)
    }

    @Test("Silences are listed with what they cover, and an alert names the one that covers it")
    func silences() {
        let silence = AlertMessage.Silence(
            id: "1f3a", condition: nil, subject: .init(id: "X", name: "laptop"), until: "2026-03-01T14:00:00.000000Z",
            reason: "moving", created_at: "2026-03-01T12:00:00.000000Z")
        let lines = Self.lines([Self.alert("firing", silence: "1f3a")], [silence])
        #expect(lines[1].hasSuffix("silence 1f3a"))
        #expect(lines.last?.contains("laptop") == true)
        #expect(lines.last?.hasSuffix("moving") == true)
        #expect(
            AlertsReport.line(silence)
                == "nobody is told of any alert of laptop until 2026-03-01 14:00 UTC; kith alerts unsilence 1f3a ends that"
        )
    }
}
