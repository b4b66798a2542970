// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithDoctor

@Suite("Carrying out many diagnoses", .timeLimit(.minutes(1)))
struct DiagnosisRunTests {
    private struct Told: Diagnosis {
        var check: CheckID { .engine }
        var title: String { "told" }
        let name: String

        func run() async -> [Finding] { [Finding(.engine, name, .ok, "seen")] }
    }

    /// Waits on the test's clock, longer than it may.
    private struct Endless: Diagnosis {
        let check = CheckID.dns
        let title = "endless"
        let subject: String? = "somewhere"
        let limit = Duration.seconds(2)
        let clock: ManualClock

        func run() async -> [Finding] {
            try? await clock.sleep(for: .seconds(1_000))
            return []
        }
    }

    @Test("Findings stand in the order of the plan, whatever ended first")
    func order() async {
        let names = (0..<60).map { "\($0)" }
        let run = DiagnosisRun(limit: .seconds(20), clock: MonotonicClock())
        let sections = await run.run([
            DiagnosisRun.Chapter("one", names.map { Told(name: $0) }),
            DiagnosisRun.Chapter("two", [Told(name: "last")]),
        ])
        #expect(sections.map(\.title) == ["one", "two"])
        #expect(sections[0].findings.map(\.title) == names)
        #expect(sections[1].findings.map(\.title) == ["last"])
    }

    @Test("One that does not end is given up, and named as not found out")
    func limit() async {
        let clock = ManualClock()
        async let sections = DiagnosisRun(limit: .seconds(20), clock: clock)
            .run([DiagnosisRun.Chapter("one", [Endless(clock: clock), Told(name: "other")])])
        // The other one's limit is another moment.
        while !clock.isAwaited(clock.now + .seconds(2)) { await Task.yield() }
        clock.advance(by: .seconds(2))
        let findings = await sections[0].findings
        #expect(findings.map(\.severity) == [.skipped, .ok])
        #expect(findings[0].seen == "not found out: it took longer than 2 s")
        #expect(findings[0].subject == "somewhere")
    }

    @Test("When there is no time left, what remains is named")
    func noTime() async {
        let sections = await DiagnosisRun(limit: .zero, clock: ManualClock())
            .run([DiagnosisRun.Chapter("one", [Told(name: "late")])])
        #expect(sections[0].findings.map(\.seen) == ["not found out: there was no time left for it"])
    }
}
