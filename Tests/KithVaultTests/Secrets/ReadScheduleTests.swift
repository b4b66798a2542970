// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithVault
import Testing

@Suite("Reading a secret again")
struct ReadScheduleTests {
    private static let start = MonotonicInstant(nanoseconds: 0)

    @Test("It is read at once, and every five minutes")
    func interval() {
        var schedule = ReadSchedule(at: Self.start)
        #expect(schedule.due == Self.start)
        schedule.succeeded(at: Self.start)
        #expect(schedule.due == Self.start + .seconds(300))
    }

    @Test("One that was refused where it was shown is read soon, but not again and again")
    func refused() {
        var schedule = ReadSchedule(at: Self.start)
        schedule.succeeded(at: Self.start)
        schedule.hurry(at: Self.start + .seconds(1))
        #expect(schedule.due == Self.start + ReadSchedule.shortestPause)
        schedule.hurry(at: Self.start + .seconds(60))
        #expect(schedule.due == Self.start + ReadSchedule.shortestPause)
        schedule.succeeded(at: Self.start + .seconds(60))
        schedule.hurry(at: Self.start + .seconds(120))
        #expect(schedule.due == Self.start + .seconds(120))
    }

    @Test("While Vault is away it is tried again within seconds")
    func away() {
        var generator = SeededGenerator(seed: 1)
        var schedule = ReadSchedule(at: Self.start)
        for _ in 0..<200 { schedule.failed(.unavailable, at: Self.start, using: &generator) }
        #expect(schedule.due - Self.start <= .seconds(4))
        #expect(schedule.due - Self.start >= .seconds(2))
    }

    @Test("What Vault denies is tried again within a minute")
    func denied() {
        var generator = SeededGenerator(seed: 2)
        var schedule = ReadSchedule(at: Self.start)
        for _ in 0..<200 { schedule.failed(.denied, at: Self.start, using: &generator) }
        #expect(schedule.due - Self.start <= .seconds(60))
    }
}
