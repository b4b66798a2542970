// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Testing

@Suite struct RateTableTests {
    private static func rate(_ text: String) throws -> RequestRate { try #require(RequestRate(text)) }

    private func at(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func `all of a rate may come at once, and then one each interval`() throws {
        var table = RateTable(sets: 1)
        let rate = try Self.rate("60/min")
        for left in (0..<60).reversed() {
            let verdict = table.decide(7, rate, now: at(0))
            #expect(verdict.isAllowed && verdict.remaining == left)
        }
        let refused = table.decide(7, rate, now: at(0))
        #expect(!refused.isAllowed)
        #expect(refused.wait == .seconds(1))
        #expect(!table.decide(7, rate, now: at(999)).isAllowed)
        #expect(table.decide(7, rate, now: at(1_000)).isAllowed)
        #expect(!table.decide(7, rate, now: at(1_001)).isAllowed)
    }

    @Test func `what is refused is not counted`() throws {
        var table = RateTable(sets: 1)
        let rate = try Self.rate("1/s")
        #expect(table.decide(7, rate, now: at(0)).isAllowed)
        for _ in 0..<1_000 { #expect(!table.decide(7, rate, now: at(500)).isAllowed) }
        #expect(table.decide(7, rate, now: at(1_000)).isAllowed)
    }

    @Test func `a hundred thousand callers get what their rate says, to within one percent`() throws {
        var table = RateTable()
        let rate = try Self.rate("6/min")
        let callers = 100_000
        var allowed = [Int](repeating: 0, count: callers)
        var generator = SeededGenerator(seed: 17)
        let subjects = (0..<callers).map { _ in Int(truncatingIfNeeded: generator.next()) }
        for round in 0..<10 {
            for caller in 0..<callers {
                for _ in 0..<2 where table.decide(subjects[caller], rate, now: at(Int64(round) * 10_000)).isAllowed {
                    allowed[caller] += 1
                }
            }
        }
        // Six at once, and one for each of the nine pauses of ten seconds.
        let wrong = allowed.count { $0 != 15 }
        #expect(wrong == 0, "seed 17: \(wrong) callers")
        #expect(abs(allowed.reduce(0, +) - 15 * callers) <= 15 * callers / 100)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `a table that forgets lets nobody have more than the rate`(seed: UInt64) throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var table = RateTable(sets: 2)
        let rate = try Self.rate("10/min")
        let callers = (0..<200).map { _ in Int(truncatingIfNeeded: generator.next()) }
        var allowed: [Int: Int] = [:]
        let end: Int64 = 600_000
        for step in stride(from: Int64(0), to: end, by: 50) {
            let caller = callers[Int.random(in: 0..<callers.count, using: &generator)]
            if table.decide(caller, rate, now: at(step)).isAllowed { allowed[caller, default: 0] += 1 }
        }
        #expect(table.capacity < callers.count)
        for (_, count) in allowed { #expect(count <= 10 + 100) }
    }

    @Test func `who is forgotten while limited stays limited`() throws {
        var table = RateTable(sets: 1)
        let rate = try Self.rate("2/min")
        #expect(table.decide(1, rate, now: at(0)).isAllowed)
        #expect(table.decide(1, rate, now: at(0)).isAllowed)
        for other in 2...2_000 { for _ in 0..<2 { _ = table.decide(other, rate, now: at(0)) } }
        #expect(!table.decide(1, rate, now: at(100)).isAllowed)
        #expect(table.decide(1, rate, now: at(120_000)).isAllowed)
    }

    @Test(
        arguments: [
            "", "60", "60/", "/min", "0/min", "-1/min", "1000001/s", "99999999999999999999/s", "6.5/min",
            "60/fortnight", "60/min/min", " 60/min", "６/min", "60/min\n",
        ])
    func `what is no rate is none`(text: String) { #expect(RequestRate(text) == nil) }

    @Test(
        arguments: [
            ("60/min", "60/min"), ("5/s", "5/s"), ("5/SEC", "5/s"), ("7/hour", "7/hour"), ("1000000/d", "1000000/day"),
        ])
    func `a rate is written as it is read`(text: String, written: String) throws {
        #expect(try Self.rate(text).description == written)
        #expect(try Self.rate(written) == Self.rate(text))
    }
}
