// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithModel
import KithTesting
import Testing
@testable import KithServer

@Suite("Time limits in headers")
struct TimeLimitTests {
    @Test(
        "Seconds are digits, with decimals after a point",
        arguments: [
            ("1", Duration.seconds(1)), ("0.25", .milliseconds(250)), ("0.001", .milliseconds(1)),
            ("86400", .seconds(86_400)), ("007", .seconds(7)), ("12.50", .milliseconds(12_500)),
        ])
    func seconds(text: String, limit: Duration) throws {
        let found = try #require(TimeLimit.seconds(text))
        #expect(abs((found - limit).seconds) < 1e-9)
    }

    @Test(
        "What is something else, or out of range, is no limit",
        arguments: [
            "", " ", "0", "0.0009", "86400.1", "-1", "+1", "1e3", "0x10", "nan", "inf", "1.", ".5", "1.2.3", "1,5",
            "1 ", "5s", "٣", String(repeating: "9", count: 400), "0." + String(repeating: "0", count: 30) + "1",
        ])
    func nonsense(text: String) { #expect(TimeLimit.seconds(text) == nil) }

    @Test("Kin write whole milliseconds, at least one and at most a day's")
    func milliseconds() {
        #expect(TimeLimit.milliseconds(.milliseconds(1_500)) == "1500")
        #expect(TimeLimit.milliseconds(.microseconds(1_500_200)) == "1501")
        #expect(TimeLimit.milliseconds(.seconds(-5)) == "1")
        #expect(TimeLimit.milliseconds(.seconds(1e12)) == "86400000")
        #expect(TimeLimit.milliseconds("1500") == .milliseconds(1_500))
        for text in ["", "0", "-1", "1.5", "86400001", "99999999999999999999", "x"] {
            #expect(TimeLimit.milliseconds(text) == nil, "\(text)")
        }
    }

    @Test("Spoilt values are read or refused, and what is read is in range", arguments: 1...20 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let text = String(decoding: Mutations.spoil(Array("12.345".utf8), using: &generator), as: UTF8.self)
            for limit in [TimeLimit.seconds(text), TimeLimit.milliseconds(text)] {
                if let limit { #expect((0.001...86_400).contains(limit.seconds), "\(text)") }
            }
        }
    }

    @Test("A deadline counts from now, and a header that is no number is the client's mistake")
    func deadline() throws {
        var headers = HTTPFields()
        #expect(try headers.deadline(now: .zero) == nil)
        headers[.kithTimeout] = "2.5"
        #expect(try headers.deadline(now: .zero) == .zero + .milliseconds(2_500))
        headers[.kithTimeout] = "soon"
        let failure = #expect(throws: ChatError.self) { try headers.deadline(now: .zero) }
        #expect(failure?.code == .malformedRequest)
        #expect(failure?.field == "x-kith-timeout")
    }
}
