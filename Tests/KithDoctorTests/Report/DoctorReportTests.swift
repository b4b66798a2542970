// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import KithDoctor

@Suite("The doctor's report")
struct DoctorReportTests {
    private func report(_ findings: Finding...) -> DoctorReport {
        DoctorReport(
            subject: DoctorReport.Subject(version: "1.0"), sections: [DoctorReport.Section("All", findings)],
            duration: .milliseconds(12))
    }

    private func finding(
        _ check: CheckID, _ severity: Finding.Severity, isConsequence: Bool = false
    ) -> Finding {
        Finding(check, "title", severity, "seen", isConsequence: isConsequence)
    }

    @Test(
        "The exit code is that of the worst finding",
        arguments: [
            (Finding.Severity.skipped, Int32(0)), (.ok, 0), (.notice, 0), (.warning, 1), (.error, 2),
        ])
    func exitCode(_ severity: Finding.Severity, _ code: Int32) {
        #expect(report(finding(.port, .ok), finding(.engine, severity), finding(.dns, .skipped)).exitCode == code)
    }

    @Test("Nothing found is nothing wrong")
    func empty() {
        #expect(report().exitCode == 0)
        #expect(report().sections.isEmpty)
    }

    @Test("An error goes before a warning, and of equals the one that others depend on")
    func causes() {
        let found = report(
            finding(.engine, .warning), finding(.sync, .error), finding(.dns, .warning), finding(.port, .error),
            finding(.clock, .notice))
        #expect(found.causes.map(\.check) == [.port, .sync, .dns, .engine])
    }

    @Test("What follows from a fault stands after it, however bad it is")
    func consequences() {
        let found = report(finding(.engine, .error, isConsequence: true), finding(.connect, .warning))
        #expect(found.causes.map(\.check) == [.connect, .engine])
    }

    @Test("JSON has the causes in their order, the fix and the exit code")
    func json() throws {
        var broken = finding(.port, .error)
        broken.fix = Finding.Fix("end it", command: "kill 1")
        broken.duration = .microseconds(1_250)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let text = String(decoding: try encoder.encode(report(broken)), as: UTF8.self)
        let cause =
            #"{"check":"port","command":"kill 1","duration_ms":1.3,"fix":"end it","seen":"seen","severity":"error","#
            + #""title":"title"}"#
        #expect(
            text == #"{"causes":[\#(cause)],"duration_ms":12,"exit_code":2,"running":false,"#
                + #""sections":[{"findings":[\#(cause)],"title":"All"}],"status":"error","version":"1.0"}"#)
    }

    @Test(
        "Durations are short and readable",
        arguments: [
            (Duration.zero, "< 0.1 ms"), (.microseconds(420), "0.4 ms"), (.milliseconds(12), "12 ms"),
            (.milliseconds(1_500), "1.5 s"), (.seconds(20), "20 s"),
        ])
    func durations(_ duration: Duration, _ text: String) {
        #expect(duration.shortText == text)
    }
}
