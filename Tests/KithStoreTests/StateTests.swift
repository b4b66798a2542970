// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import KithTesting
import Synchronization
import Testing

@Suite("The state that the store reports")
struct StateTests {
    @Test("A new store is calm, idle and empty", arguments: StoreKind.allCases)
    func fresh(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let state = try await store.state(at: .start)
            let expected = ConversationState(
                turnCount: 0, sessions: 0, sessionsCompleted: 0, valence: 0, moodTags: [.calm, .idle],
                outcomes: OutcomeCounts())
            #expect(state == expected)
        }
    }

    @Test("Outcomes and feedback move the valence as the valence itself says", arguments: StoreKind.allCases)
    func valence(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let session = SessionID(test: "s")
            let score = try #require(FeedbackScore(-1))
            var expected = Valence()
            try await store.exchange(session, "q", "a", at: .start)
            expected.record(.completed, at: .start)
            store.recordOutcome(.cutOff, at: .start + .seconds(60))
            expected.record(.cutOff, at: .start + .seconds(60))
            try await store.addFeedback(session: session, score: score, at: .start + .seconds(90))
            expected.record(.feedback(score), at: .start + .seconds(90))
            let state = try await store.state(at: .start + .seconds(7_200))
            #expect(state.valence == expected.score(at: .start + .seconds(7_200)))
            #expect(state.moodTags.first == .strained)
        }
    }

    @Test("A session is completed when nobody used it for more than 30 minutes", arguments: StoreKind.allCases)
    func idleSessions(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.exchange(SessionID(test: "old"), "q", "a", at: .start)
            try await store.exchange(SessionID(test: "new"), "q", "a", at: .start + .seconds(1_800))
            #expect(try await store.state(at: .start + .seconds(1_800)).sessionsCompleted == 0)
            #expect(try await store.state(at: .start + .seconds(1_801)).sessionsCompleted == 1)
            try await store.exchange(SessionID(test: "old"), "q", "a", at: .start + .seconds(1_802))
            let state = try await store.state(at: .start + .seconds(1_803))
            #expect(state.sessionsCompleted == 0)
            #expect(state.sessions == 2)
        }
    }

    @Test("Feedback on a session that does not exist is refused and counts nothing", arguments: StoreKind.allCases)
    func unknownSession(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let score = try #require(FeedbackScore(1))
            let error = await #expect(throws: StoreError.self) {
                try await store.addFeedback(session: SessionID(test: "nobody"), score: score, at: .start)
            }
            #expect(error?.code == .unknownSession)
            #expect(try await store.state(at: .start).valence == 0)
            try await store.addFeedback(session: nil, score: score, comment: "all fine", at: .start)
            #expect(try await store.state(at: .start).valence > 0)
        }
    }

    @Test("The flush loop writes what was counted in memory every five seconds, and when it is stopped")
    func flushLoop() async throws {
        let folder = try TemporaryFolder()
        let store = try Store(path: folder.path())
        let clock = ManualClock()
        let loop = Task { await store.run(clock: clock) { Issue.record($0) } }
        store.recordOutcome(.completed, at: .start)
        await clock.waitForSleeper()
        #expect(try DatabaseFile(folder.path()).completed() == 0)
        clock.advance(by: StoreLimits.flushInterval)
        await clock.waitForSleeper()
        #expect(try DatabaseFile(folder.path()).completed() == 1)
        store.recordOutcome(.completed, at: .start)
        loop.cancel()
        await loop.value
        #expect(try DatabaseFile(folder.path()).completed() == 2)
        try await store.close()
    }

    @Test("A flush that fails is reported, and the loop goes on")
    func failingFlush() async throws {
        let store = try Store.inMemory()
        try await store.close()
        store.recordOutcome(.completed, at: .start)
        let clock = ManualClock()
        let reported = Mutex<[StoreError.Code]>([])
        let loop = Task { await store.run(clock: clock) { error in reported.withLock { $0.append(error.code) } } }
        await clock.waitForSleeper()
        clock.advance(by: StoreLimits.flushInterval)
        await clock.waitForSleeper()
        loop.cancel()
        await loop.value
        #expect(reported.withLock { $0 } == [.closed, .closed])
    }
}

extension ManualClock {
    fileprivate func waitForSleeper() async {
        while sleeperCount == 0 { await Task.yield() }
    }
}
