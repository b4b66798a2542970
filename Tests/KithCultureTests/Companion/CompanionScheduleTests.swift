// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithModel
import KithTesting
import Testing

@Suite("When a node looks for company")
struct CompanionScheduleTests {
    private let wall = WallTime(milliseconds: 1_700_000_000_000)
    private let threshold = Duration.seconds(480)

    private func at(_ seconds: Int) -> MonotonicInstant { .zero + .seconds(seconds) }

    private func schedule(_ limits: ExchangeBudget.Limits = .init()) -> CompanionSchedule {
        CompanionSchedule(budget: ExchangeBudget(limits: limits, now: wall), now: .zero)
    }

    private var watch: IdleWatch { IdleWatch(threshold: threshold, now: .zero) }

    @Test("Only when nobody has asked anything for the threshold")
    func idle() {
        var (schedule, idle) = (schedule(), watch)
        #expect(schedule.step(idle: idle, now: at(479), wall: wall) == .wait(.userIsHere, until: at(480)))
        #expect(schedule.step(idle: idle, now: at(480), wall: wall) == .talk)
        idle.requestBegan(now: at(481))
        #expect(
            schedule.step(idle: idle, now: at(2_000), wall: wall) == .wait(.userIsHere, until: nil), "it still answers")
        idle.requestEnded(now: at(2_000))
        #expect(schedule.step(idle: idle, now: at(2_001), wall: wall) == .wait(.userIsHere, until: at(2_480)))
    }

    @Test("Not while it talks, and not soon after")
    func rests() {
        var (schedule, generator) = (schedule(), SeededGenerator(seed: 1))
        schedule.began(wall: wall)
        #expect(schedule.step(idle: watch, now: at(500), wall: wall) == .wait(.talking, until: nil))
        schedule.ended(.kept, threshold: threshold, now: at(510), using: &generator)
        guard case .wait(.resting, let until?) = schedule.step(idle: watch, now: at(511), wall: wall) else {
            Issue.record("it does not rest")
            return
        }
        #expect((at(510 + 384)...at(510 + 576)).contains(until))
        #expect(schedule.step(idle: watch, now: until, wall: wall) == .talk)
    }

    @Test("After failures in a row it rests longer and longer, up to sixteen times")
    func failures() {
        var (schedule, generator) = (schedule(), SeededGenerator(seed: 1))
        for count in 1...8 {
            schedule.began(wall: wall)
            schedule.ended(.failed, threshold: threshold, now: at(10_000), using: &generator)
            guard case .wait(.resting, let until?) = schedule.step(idle: watch, now: at(10_000), wall: wall) else {
                Issue.record("it does not rest")
                return
            }
            let factor = Double(1 << min(count, 4))
            #expect((0.8 * factor...1.2 * factor).contains((until - at(10_000)) / threshold))
        }
    }

    @Test("Where nothing was kept of four in a row it rests longer and longer, until something is kept")
    func fruitless() {
        var (schedule, generator) = (schedule(), SeededGenerator(seed: 2))
        func rest() -> Double {
            guard case .wait(.resting, let until?) = schedule.step(idle: watch, now: at(10_000), wall: wall) else {
                return 0
            }
            return (until - at(10_000)) / threshold
        }
        for count in 1...10 {
            schedule.began(wall: wall)
            schedule.ended(.fruitless, threshold: threshold, now: at(10_000), using: &generator)
            let factor = Double(1 << min(max(0, count - 4), 4))
            #expect((0.8 * factor...1.2 * factor).contains(rest()))
            #expect(schedule.fruitless == count)
        }
        schedule.began(wall: wall)
        schedule.ended(.kept, threshold: threshold, now: at(10_000), using: &generator)
        #expect((0.8...1.2).contains(rest()))
        #expect(schedule.fruitless == 0)
    }

    @Test("Whatever hinders it holds it only while nobody is here, and as long as it lasts")
    func hindered() {
        var schedule = schedule()
        schedule.hindrance = .onBattery
        #expect(schedule.step(idle: watch, now: at(1), wall: wall) == .wait(.userIsHere, until: at(480)))
        #expect(schedule.step(idle: watch, now: at(500), wall: wall) == .wait(.hindered(.onBattery), until: nil))
        schedule.hindrance = nil
        #expect(schedule.step(idle: watch, now: at(500), wall: wall) == .talk)
    }

    @Test("A user who comes in the middle ends it without a rest being due for it")
    func interrupted() {
        var (schedule, idle) = (schedule(), watch)
        schedule.began(wall: wall)
        idle.requestBegan(now: at(500))
        schedule.interrupted(now: at(500))
        idle.requestEnded(now: at(501))
        #expect(schedule.step(idle: idle, now: at(981), wall: wall) == .talk)
    }

    @Test("When the day's budget is spent it waits for the next day, and a clock set back gives no day twice")
    func budget() {
        var (schedule, generator) = (schedule(.init(exchanges: 2, tokens: 1_000)), SeededGenerator(seed: 1))
        for _ in 1...2 {
            schedule.began(wall: wall)
            schedule.ended(.kept, threshold: threshold, now: .zero, using: &generator)
        }
        let midnight = WallTime(milliseconds: (wall.milliseconds / 86_400_000 + 1) * 86_400_000)
        let left = midnight.duration(since: wall)
        #expect(schedule.step(idle: watch, now: at(9_000), wall: wall) == .wait(.budgetSpent, until: at(9_000) + left))
        #expect(schedule.step(idle: watch, now: at(9_000), wall: wall.advanced(by: .seconds(-200_000))) != .talk)
        #expect(schedule.step(idle: watch, now: at(9_000), wall: midnight) == .talk)
        schedule.budget.spent(TokenUsage(promptTokens: 900, completionTokens: 100), now: midnight)
        #expect(schedule.step(idle: watch, now: at(9_000), wall: midnight) != .talk)
    }

    @Test("Paused is paused")
    func paused() {
        var schedule = schedule()
        schedule.isPaused = true
        #expect(schedule.step(idle: watch, now: at(9_000), wall: wall) == .wait(.paused, until: nil))
    }
}
