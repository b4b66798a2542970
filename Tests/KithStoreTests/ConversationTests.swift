// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import Testing

@Suite("Conversations in the store")
struct ConversationTests {
    private let session = SessionID(test: "session-1")

    @Test("An exchange comes back as it was kept", arguments: StoreKind.allCases)
    func roundTrip(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let usage = TokenUsage(promptTokens: 7, completionTokens: 11)
            try await store.appendExchange(
                session: session, user: "Hallo, \u{1F469}\u{200D}\u{1F680}!", assistant: "Gr\u{FC}\u{DF} dich.",
                outcome: .completed, model: "m:1", node: NodeName("n1"), usage: usage, at: .start)
            let turns = try await store.history(session: session, limit: 10)
            #expect(
                turns == [
                    ConversationTurn(role: .user, text: "Hallo, \u{1F469}\u{200D}\u{1F680}!", time: .start),
                    ConversationTurn(
                        role: .assistant, text: "Gr\u{FC}\u{DF} dich.", time: .start, model: "m:1",
                        node: NodeName("n1"), tokens: usage),
                ])
        }
    }

    @Test("A history is the newest turns, newest last, and begins with the user", arguments: StoreKind.allCases)
    func historyOrder(kind: StoreKind) async throws {
        try await kind.withStore { store in
            for number in 1...4 { try await store.exchange(session, "q\(number)", "a\(number)") }
            #expect(try await store.texts(session, limit: 4) == ["q3", "a3", "q4", "a4"])
            #expect(try await store.texts(session, limit: 5) == ["q3", "a3", "q4", "a4"])
            #expect(try await store.texts(session, limit: 0) == [])
            #expect(try await store.texts(session, limit: -1) == [])
            #expect(try await store.texts(SessionID(test: "nobody")) == [])
        }
    }

    @Test("A broken answer is kept when it has text, and not at all when it has none", arguments: StoreKind.allCases)
    func brokenAnswers(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.appendExchange(
                session: session, user: "lost", assistant: "", outcome: .failed, at: .start)
            #expect(try await store.sessions(limit: 10).isEmpty)
            try await store.appendExchange(
                session: session, user: "half", assistant: "Once upon", outcome: .cutOff, at: .start)
            try await store.appendExchange(
                session: session, user: "silent", assistant: "", outcome: .completed, at: .start)
            #expect(try await store.texts(session) == ["half", "Once upon", "silent", ""])
            let state = try await store.state(at: .start)
            #expect(state.turnCount == 2)
            #expect(state.outcomes == OutcomeCounts(completed: 1, failed: 1, cutOff: 1))
        }
    }

    @Test("What another machine sent cannot break the rules of the schema", arguments: StoreKind.allCases)
    func hostileValues(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.appendExchange(
                session: SessionID(test: "'; DROP TABLE turn; --"), user: "a\0b", assistant: "\0", outcome: .completed,
                model: ModelID(String(repeating: "m\0", count: 4_000)),
                usage: TokenUsage(promptTokens: .min, completionTokens: .max), at: WallTime(milliseconds: .min))
            let turns = try await store.history(session: SessionID(test: "'; DROP TABLE turn; --"), limit: 2)
            #expect(turns.map(\.text) == ["a\u{FFFD}b", "\u{FFFD}"])
            #expect(turns.last?.tokens == TokenUsage(promptTokens: 0, completionTokens: .max))
            #expect(turns.last?.model?.rawValue.utf8.count ?? .max <= StoreLimits.modelName)
            #expect(try await store.state(at: WallTime(milliseconds: .max)).sessionsCompleted == 1)
        }
    }

    @Test("Sessions are listed most recently used first, whatever the clock says", arguments: StoreKind.allCases)
    func sessionList(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let (first, second) = (SessionID(test: "first"), SessionID(test: "second"))
            try await store.exchange(first, "q", "a", at: .start)
            try await store.exchange(second, "q", "a", at: .start + .seconds(9))
            try await store.exchange(first, "q", "a", at: .start + .seconds(-9))
            #expect(
                try await store.sessions(limit: 10) == [
                    SessionSummary(
                        id: first, createdAt: .start, lastUsedAt: .start + .seconds(-9), turnCount: 2,
                        opening: "q"),
                    SessionSummary(
                        id: second, createdAt: .start + .seconds(9), lastUsedAt: .start + .seconds(9), turnCount: 1,
                        opening: "q"),
                ])
            #expect(try await store.sessions(limit: 1).map(\.id) == [first])
        }
    }

    @Test(
        "A deleted session takes its turns and feedback with it and counts as completed", arguments: StoreKind.allCases)
    func deletion(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let other = SessionID(test: "other")
            try await store.exchange(session, "q", "a")
            try await store.exchange(other, "q", "a")
            let score = try #require(FeedbackScore(1))
            try await store.addFeedback(session: session, score: score, comment: "good", at: .start)
            #expect(try await store.deleteSession(session))
            #expect(try await store.deleteSession(session) == false)
            #expect(try await store.texts(session) == [])
            #expect(try await store.texts(other) == ["q", "a"])
            let state = try await store.state(at: .start)
            #expect(state.sessions == 1)
            #expect(state.sessionsCompleted == 1)
            #expect(state.turnCount == 2)
        }
    }

    @Test("Sessions used at the same time do not mix, and no exchange is lost", arguments: StoreKind.allCases)
    func concurrentSessions(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await withThrowingTaskGroup { group in
                for number in 0..<16 {
                    group.addTask {
                        for step in 0..<10 {
                            let session = SessionID(test: "s\(number)")
                            try await store.exchange(session, "\(number) q\(step)", "\(number) a\(step)")
                            store.recordOutcome(.failed, at: .start)
                            _ = try await store.state(at: .start)
                        }
                    }
                }
                try await group.waitForAll()
            }
            for number in 0..<16 {
                let expected = (0..<10).flatMap { ["\(number) q\($0)", "\(number) a\($0)"] }
                #expect(try await store.texts(SessionID(test: "s\(number)")) == expected)
            }
            let state = try await store.state(at: .start)
            #expect(state.turnCount == 160)
            #expect(state.outcomes == OutcomeCounts(completed: 160, failed: 160))
        }
    }

    @Test("An exchange is kept although the task that keeps it has been cancelled", arguments: StoreKind.allCases)
    func cancelledTask(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await store.exchange(session, "q", "half an answer")
            }
            try await task.value
            #expect(try await store.texts(session) == ["q", "half an answer"])
        }
    }
}
