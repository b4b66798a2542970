// SPDX-License-Identifier: Apache-2.0

import KithCommand
import KithDialects
import KithModel
import KithTesting
import Testing

@Suite("Changes between two looks at the context")
struct ContextWatchTests {
    private let main = ContextReportTests.entry("branch", ContextReportTests.value("main"))
    private let feature = ContextReportTests.entry("branch", ContextReportTests.value("feature"))
    private let file = ContextReportTests.entry("file", ContextReportTests.value("a.swift"))

    @Test("The first look tells nothing, the next what is new, other and gone")
    func looks() {
        var watch = ContextWatch()
        #expect(watch.take([main]).isEmpty)
        #expect(watch.take([main]).isEmpty)
        #expect(watch.take([file, feature]).map(\.key) == ["branch", "file"])
        let gone = watch.take([file])
        #expect(gone.map(\.isRemoved) == [true])
        #expect(gone.first?.line(style: .plain) == "branch removed")
    }

    @Test("One key is looked at alone, and what is known of it is not told again")
    func one() {
        var watch = ContextWatch()
        _ = watch.take([main])
        #expect(watch.take("branch", main) == nil)
        #expect(watch.take("branch", feature)?.entry == feature)
        #expect(watch.take("branch", nil)?.isRemoved == true)
        #expect(watch.take("branch", nil) == nil)
        #expect(watch.take([main]).count == 1)
    }

    @Test("A change is told with who made it, a conflict with all values")
    func lines() {
        var watch = ContextWatch()
        _ = watch.take([])
        #expect(
            watch.take("branch", main)?.line(style: .plain) == "branch = main (by vscode at desk, 2026-03-01 12:00 UTC)"
        )
        let conflict = ContextReportTests.entry(
            "branch", ContextReportTests.value("main"), ContextReportTests.value("feature", by: "vim", at: "laptop"))
        let line = watch.take("branch", conflict)?.line(style: .plain)
        #expect(line?.hasPrefix("branch CONFLICT = main (by") == true)
        #expect(line?.contains(" or feature (by vim at laptop") == true)
    }

    @Test("Events name their keys, each once, unless there are too many or one names none")
    func keys() {
        func event(_ data: String) -> ServerSentEvent { ServerSentEvent(name: "context", data: data) }
        let some = [event(#"{"key":"a"}"#), event(#"{"key":"b"}"#), event(#"{"key":"a"}"#)]
        #expect(ContextWatch.keys(in: some) == ["a", "b"])
        #expect(ContextWatch.keys(in: []) == [])
        #expect(ContextWatch.keys(in: some + [event("{}")]) == nil)
        #expect(ContextWatch.keys(in: some + [event("spoilt")]) == nil)
        #expect(ContextWatch.keys(in: (0..<17).map { event(#"{"key":"\#($0)"}"#) }) == nil)
    }

    @Test("After whatever looks, what was told adds up to what is there", arguments: 1...20 as ClosedRange<UInt64>)
    func addsUp(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var watch = ContextWatch()
        _ = watch.take([])
        var told: [String: StateMessage.ContextEntry] = [:]
        var real: [String: StateMessage.ContextEntry] = [:]
        for step in 0..<200 {
            let key = "k\(Int.random(in: 0..<5, using: &generator))"
            real[key] =
                Bool.random(using: &generator)
                ? ContextReportTests.entry(key, ContextReportTests.value(.integer(Int64(step)))) : nil
            guard Bool.random(using: &generator) else { continue }
            let changes =
                Bool.random(using: &generator)
                ? watch.take(Array(real.values)) : [watch.take(key, real[key])].compactMap(\.self)
            for change in changes { told[change.key] = change.entry }
        }
        for change in watch.take(Array(real.values)) { told[change.key] = change.entry }
        #expect(told == real, "seed \(seed)")
    }
}
