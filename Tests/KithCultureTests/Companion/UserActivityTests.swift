// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithModel
import KithTesting
import Testing

@Suite("The user goes first", .timeLimit(.minutes(5)))
struct UserActivityTests {
    private let clock = ManualClock()

    private func activity() -> UserActivity { UserActivity(threshold: .seconds(480), clock: clock) }

    /// Work that ends only when it is cancelled.
    private func endless(_ activity: UserActivity) -> Task<Void, any Error> {
        Task { try await activity.givingWay { [clock] in try await clock.sleep(for: .seconds(86_400)) } }
    }

    @Test("Work that gives way is cancelled when a user comes, all of it")
    func cancelled() async throws {
        let activity = activity()
        let work = [endless(activity), endless(activity)]
        while clock.sleeperCount < 2 { await Task.yield() }
        let visit = activity.begin()
        for each in work { await #expect(throws: CancellationError.self) { try await each.value } }
        withExtendedLifetime(visit) {}
    }

    @Test("It is not begun while a user is served, and is when that is over")
    func notBegun() async throws {
        let activity = activity()
        var visit: (any Sendable)? = activity.begin()
        await #expect(throws: CancellationError.self) { try await activity.givingWay { 1 } }
        withExtendedLifetime(visit) {}
        visit = nil
        #expect(try await activity.givingWay { 1 } == 1)
    }

    @Test("A peer that asks while a user is served is told that there is no time")
    func host() async throws {
        let activity = activity()
        let host = CompanionHost(
            mind: LeakyMind(seed: 1), keeper: RememberedCulture(),
            wall: PrivacyGuard(memory: CompanyWorld.Memory(texts: [])), activity: activity, clock: clock)
        let question = PeerQuestion(prompt: "What is patience?", temperature: 0.85, maxTokens: 20)
        let visit = activity.begin()
        await #expect(throws: CompanionHost.Refusal.busy) {
            try await host.answer(question, from: "ben", named: "ben")
        }
        withExtendedLifetime(visit) {}
    }

    @Test("A peer that asks while the owner wants no conversations is told so, and no engine is asked")
    func paused() async throws {
        let host = CompanionHost(
            mind: LeakyMind(seed: 1), keeper: RememberedCulture(),
            wall: PrivacyGuard(memory: CompanyWorld.Memory(texts: [])), activity: activity(), clock: clock)
        let question = PeerQuestion(prompt: "What is patience?", temperature: 0.85, maxTokens: 20)
        host.setPaused(true)
        await #expect(throws: CompanionHost.Refusal.paused) {
            try await host.answer(question, from: "ben", named: "ben")
        }
        host.setPaused(false)
        #expect(!host.isPaused)
    }

    @Test("Whoever waits for it may give up, too")
    func givenUp() async throws {
        let work = endless(activity())
        while clock.sleeperCount < 1 { await Task.yield() }
        work.cancel()
        await #expect(throws: CancellationError.self) { try await work.value }
    }
}
