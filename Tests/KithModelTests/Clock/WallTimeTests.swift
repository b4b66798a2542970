// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithTesting
import Testing

@Suite("Wall time")
struct WallTimeTests {
    @Test(
        "A time is written in UTC with microseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1, "1970-01-01T00:00:00.001000Z"),
            (-1, "1969-12-31T23:59:59.999000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999000Z"),
            (Int64.min, "0000-01-01T00:00:00.000000Z"),
            (Int64.max, "9999-12-31T23:59:59.999000Z"),
        ] as [(Int64, String)])
    func rfc3339(milliseconds: Int64, expected: String) {
        #expect(WallTime(milliseconds: milliseconds).rfc3339 == expected)
    }

    @Test(
        "A time is written as HTTP's header fields want it",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),  // the example of RFC 9110
            (951_782_400_999, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (1_767_225_599_999, "Wed, 31 Dec 2025 23:59:59 GMT"),
            (Int64.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] as [(Int64, String)])
    func httpDate(milliseconds: Int64, expected: String) {
        #expect(WallTime(milliseconds: milliseconds).httpDate == expected)
    }

    @Test(
        "A date of HTTP is read",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Int64(784_111_777)), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2028 23:59:60 GMT", 1_835_481_600),
        ])
    func readsHTTPDate(_ text: String, _ seconds: Int64) {
        #expect(WallTime(httpDate: text) == WallTime(milliseconds: seconds * 1_000))
    }

    @Test(
        "What is no date of HTTP is not taken for one",
        arguments: [
            "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 99999 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08::49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994 08:49:37 GMT            ",
        ])
    func noHTTPDate(_ text: String) {
        #expect(WallTime(httpDate: text) == nil)
    }

    @Test(
        "A time of the seeds is read with and without fraction and zone",
        arguments: [
            "2025-11-28T07:36:42", "2025-11-28T07:36:42Z", "2025-11-28T07:36:42.123456Z", "2025-11-28T07:36:42+00:00",
        ])
    func stamp(_ text: String) {
        #expect(WallTime(iso8601: text) == WallTime(milliseconds: 1_764_315_402_000))
    }

    @Test(
        "A time with another zone, or out of range, is not read",
        arguments: [
            "2025-11-28T08:36:42+01:00", "2025-13-28T08:36:42Z", "2025-11-28T-8:36:42Z", "2025-11-28T08:36:42.12.3Z",
            "x",
        ])
    func noStamp(_ text: String) {
        #expect(WallTime(iso8601: text) == nil)
    }

    @Test("Spoilt times never trap")
    func hostile() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for original in ["Sun, 06 Nov 1994 08:49:37 GMT", "2025-11-28T07:36:42.123456Z"] {
            for _ in 0..<2_000 {
                let text = String(decoding: Mutations.spoil(Array(original.utf8), using: &generator), as: UTF8.self)
                _ = WallTime(httpDate: text)
                _ = WallTime(iso8601: text)
            }
        }
    }

    @Test("Any date that HTTP's header fields can hold is read as it was written", arguments: [UInt64(1), 2, 3])
    func readsWhatItWrites(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let time = WallTime(milliseconds: Int64.random(in: 0...253_402_300_799, using: &generator) * 1_000)
            #expect(WallTime(httpDate: time.httpDate) == time, "seed \(seed)")
            #expect(WallTime(iso8601: time.rfc3339) == time, "seed \(seed)")
        }
    }

    @Test("Any writable time is written as Foundation writes it", arguments: [UInt64(1), 2, 3])
    func agreesWithFoundation(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let style = Date.ISO8601FormatStyle()
        for _ in 0..<500 {
            let seconds = Int64.random(in: -12_219_292_800...253_402_300_799, using: &generator)
            let written = WallTime(milliseconds: seconds * 1_000).rfc3339.replacing(".000000Z", with: "Z")
            #expect(written == style.format(Date(timeIntervalSince1970: Double(seconds))), "seed \(seed)")
        }
    }

    @Test("Adding and subtracting stop at the ends of time")
    func saturates() {
        #expect(WallTime(milliseconds: .max - 1).advanced(by: .seconds(1)).milliseconds == .max)
        #expect(WallTime(milliseconds: .min + 1).advanced(by: .seconds(-1)).milliseconds == .min)
        #expect(WallTime.epoch.advanced(by: .seconds(Int64.max)).milliseconds == .max)
        let longest = WallTime(milliseconds: .max).duration(since: WallTime(milliseconds: .min))
        #expect(longest == .milliseconds(Int64.max))
    }

    @Test("The machine's clock is past the day this was written")
    func now() {
        #expect(WallTime.now() > WallTime(milliseconds: 1_735_689_600_000))
    }
}
