// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@testable import KithDoctor

@Suite("Times that other machines say")
struct DateTests {
    @Test(
        "A date of HTTP is read",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Int64(784_111_777)), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2028 23:59:60 GMT", 1_835_481_600),
        ])
    func httpDate(_ text: String, _ seconds: Int64) {
        #expect(HTTPDate.read(text) == WallTime(milliseconds: seconds * 1_000))
    }

    @Test(
        "What is no date of HTTP is not taken for one",
        arguments: [
            "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 99999 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        ])
    func noHTTPDate(_ text: String) {
        #expect(HTTPDate.read(text) == nil)
    }

    @Test(
        "A time of the seeds is read with and without fraction and zone",
        arguments: [
            "2025-11-28T07:36:42", "2025-11-28T07:36:42Z", "2025-11-28T07:36:42.123456Z", "2025-11-28T07:36:42+00:00",
        ])
    func stamp(_ text: String) {
        #expect(UTCStamp.read(text) == WallTime(milliseconds: 1_764_315_402_000))
    }

    @Test(
        "A time with another zone, or out of range, is not read",
        arguments: ["2025-11-28T08:36:42+01:00", "2025-13-28T08:36:42Z", "x"])
    func noStamp(_ text: String) {
        #expect(UTCStamp.read(text) == nil)
    }

    @Test("Spoilt times never trap")
    func hostile() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for original in ["Sun, 06 Nov 1994 08:49:37 GMT", "2025-11-28T07:36:42.123456Z"] {
            for _ in 0..<2_000 {
                let text = String(decoding: Mutations.spoil(Array(original.utf8), using: &generator), as: UTF8.self)
                _ = HTTPDate.read(text)
                _ = UTCStamp.read(text)
            }
        }
    }

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
