// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import Testing

@Suite("Draining, for people")
struct DrainReportTests {
    private func report(
        _ draining: Bool = true, seconds: Double? = 5, active: Int = 0, queued: Int = 0, kin: Bool = true
    ) -> DrainReport {
        DrainReport(.init(draining: draining, seconds: seconds, active: active, queued: queued, kinAnswer: kin))
    }

    @Test("It is done when nothing runs or waits and kin have had time to hear of it")
    func done() {
        #expect(report().isDone)
        #expect(!report(active: 1).isDone)
        #expect(!report(queued: 1).isDone)
        #expect(!report(seconds: 0.5).isDone)
        #expect(!report(seconds: nil).isDone)
        #expect(!report(false).isDone)
    }

    @Test("It says how many still run, and in the end who answers now")
    func words() {
        #expect(report(active: 1).progress == "1 request still runs here")
        #expect(report(active: 2, queued: 3).progress == "5 requests still run here")
        #expect(report().progress == nil)
        #expect(report().end == "drained: your other machines answer new prompts")
        #expect(report(kin: false).end.contains("this one still takes prompts"))
    }

    @Test("Numbers of another node's making do not trap")
    func hostile() { #expect(report(active: -5, queued: .max).running == .max) }
}

@Suite("The deadline of a question")
struct AskDeadlineTests {
    @Test(
        "It is written as nodes read it",
        arguments: [
            (0.001, "0.001"), (0.0005, "0.001"), (2, "2.000"), (2.5, "2.500"), (0.25, "0.250"), (86_400, "86400.000"),
            (1e300, "86400.000"), (-1, "0.001"),
        ])
    func text(seconds: Double, text: String) { #expect(AskDeadline.text(seconds) == text) }
}
