// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithDoctor

@Suite("Clocks of other machines")
struct ClockOffsetTests {
    @Test(
        "An offset within what seconds and a slow answer explain is none",
        arguments: [
            (Int64(-300), Int64(20), Finding.Severity.ok), (1_500, 20, .ok), (3_500, 20, .warning),
            (-4_000, 20, .warning),
            (3_500, 4_000, .ok), (299_000, 20, .warning), (302_000, 20, .error), (-302_000, 20, .error),
        ])
    func offsets(_ ahead: Int64, _ took: Int64, _ severity: Finding.Severity) {
        let asked = WallTime(milliseconds: 1_000_000_000)
        let offset = ClockOffset(
            date: WallTime(milliseconds: asked.milliseconds + ahead), askedAt: asked, took: .milliseconds(took))
        #expect(offset.severity == severity)
    }

    @Test("A clock that is far ahead is named with what follows from it")
    func ahead() {
        let asked = WallTime(milliseconds: 1_000_000_000)
        let finding = ClockOffset(
            date: WallTime(milliseconds: asked.milliseconds + 600_000), askedAt: asked, took: .zero
        ).finding(of: "laptop", subject: "laptop")
        #expect(
            finding.seen.hasPrefix("the clock of laptop is 10 min ahead of this machine's; what it writes is held back")
        )
    }
}
