// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithNode

@Suite("A machine that goes to sleep by itself")
struct SleepScheduleTests {
    private let threshold = Duration.seconds(600)

    private func at(_ seconds: Int) -> MonotonicInstant { .zero + .seconds(seconds) }

    @Test("It sleeps when no prompt has come for long, and not while its engine is busy")
    func idle() {
        let schedule = SleepSchedule(threshold: threshold, now: at(0))
        #expect(schedule.wait(idle: .seconds(100), isBusy: false, now: at(5_000)) == .seconds(500))
        #expect(schedule.wait(idle: .seconds(600), isBusy: true, now: at(5_000)) == .seconds(10))
        #expect(schedule.wait(idle: .seconds(600), isBusy: false, now: at(5_000)) == nil)
    }

    @Test("After its start, and after it woke, it stays up for as long")
    func stays() {
        var schedule = SleepSchedule(threshold: threshold, now: at(0))
        #expect(schedule.wait(idle: .seconds(9_000), isBusy: false, now: at(60)) == .seconds(540))
        schedule.woke(now: at(5_000))
        #expect(schedule.wait(idle: .seconds(9_000), isBusy: false, now: at(5_100)) == .seconds(500))
    }
}
