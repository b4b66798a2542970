// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import Testing

@Suite("What the store keeps at most")
struct StoreLimitsTests {
    private let session = SessionID(test: "s")

    @Test("The standard limits are the documented ones")
    func standard() {
        #expect(StoreLimits.standard.sessions == 1_000)
        #expect(StoreLimits.standard.turnsPerSession == 2_000)
        #expect(StoreLimits.standard.text == 262_144)
        #expect(StoreLimits.standard.feedback == 10_000)
    }

    @Test("Limits out of range are held to it")
    func heldLimits() {
        let limits = StoreLimits(sessions: -1, turnsPerSession: 5, text: .max, feedback: 0)
        #expect(limits.sessions == 1)
        #expect(limits.turnsPerSession == 4)
        #expect(limits.text == StoreLimits.largestText)
        #expect(limits.feedback == 1)
    }

    @Test("One session too many drops the least recently used", arguments: StoreKind.allCases)
    func sessions(kind: StoreKind) async throws {
        try await kind.withStore(limits: StoreLimits(sessions: 3)) { store in
            for name in ["a", "b", "c", "a", "d"] { try await store.exchange(SessionID(test: name), "q", "a") }
            #expect(try await store.sessions(limit: 10).map(\.id.rawValue) == ["d", "a", "c"])
            #expect(try await store.texts(SessionID(test: "b")) == [])
            let state = try await store.state(at: .start)
            #expect(state.sessions == 3)
            #expect(state.sessionsCompleted == 1)
            #expect(state.turnCount == 5)
        }
    }

    @Test("A session just used is not dropped because the clock jumped back", arguments: StoreKind.allCases)
    func sessionsWithJumpingClock(kind: StoreKind) async throws {
        try await kind.withStore(limits: StoreLimits(sessions: 1)) { store in
            try await store.exchange(SessionID(test: "old"), "q", "a", at: .start)
            try await store.exchange(SessionID(test: "new"), "q", "a", at: .epoch)
            #expect(try await store.sessions(limit: 10).map(\.id.rawValue) == ["new"])
        }
    }

    @Test("One exchange too many drops the session's oldest, and no other session's", arguments: StoreKind.allCases)
    func turns(kind: StoreKind) async throws {
        try await kind.withStore(limits: StoreLimits(turnsPerSession: 4)) { store in
            let other = SessionID(test: "other")
            try await store.exchange(other, "other q", "other a")
            for number in 1...5 { try await store.exchange(session, "q\(number)", "a\(number)") }
            #expect(try await store.texts(session) == ["q4", "a4", "q5", "a5"])
            #expect(try await store.texts(other) == ["other q", "other a"])
            #expect(try await store.sessions(limit: 1).map(\.turnCount) == [5])
        }
    }

    @Test("The largest text fits to the byte, one byte more is cut and marked", arguments: StoreKind.allCases)
    func largestText(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let largest = String(repeating: "x", count: StoreLimits.largestText)
            try await store.exchange(session, largest, largest + "y")
            let texts = try await store.texts(session)
            #expect(texts.first == largest)
            #expect(texts.last?.utf8.count == StoreLimits.largestText)
            #expect(texts.last?.hasSuffix("x\n[cut: longer than is kept]") == true)
        }
    }

    @Test(
        "Text is cut between characters",
        arguments: ["\u{1F469}\u{200D}\u{1F680}", "\u{1F1E9}\u{1F1EA}", "e\u{301}", "\u{FC}", "\0", "\r\n"])
    func characterBoundary(character: String) async throws {
        let store = try Store.inMemory(limits: StoreLimits(text: 100))
        for offset in 0..<16 {
            let text = String(repeating: "x", count: offset) + String(repeating: character, count: 60)
            try await store.exchange(session, text, "a")
            let kept = try #require(try await store.history(session: session, limit: 2).first?.text)
            #expect(kept.utf8.count <= 100)
            let body = kept.dropLast("\n[cut: longer than is kept]".count)
            let whole = text.replacing("\0", with: "\u{FFFD}")
            #expect(whole.hasPrefix(body), "offset \(offset)")
            #expect(body.utf8.count > 100 - 27 - 16, "offset \(offset)")
        }
    }

    @Test("A single endless character is cut too")
    func endlessCharacter() async throws {
        let store = try Store.inMemory()
        let text = "e" + String(repeating: "\u{301}", count: StoreLimits.largestText)
        try await store.exchange(session, text, text)
        for kept in try await store.texts(session) {
            #expect(kept.utf8.count <= StoreLimits.largestText)
            #expect(kept.utf8.count > StoreLimits.largestText - 64)
        }
    }

    @Test("One feedback too many drops the oldest")
    func feedback() async throws {
        let folder = try TemporaryFolder()
        let store = try Store(path: folder.path(), limits: StoreLimits(feedback: 3))
        for score in [-1, -0.5, 0, 0.5, 1] {
            let score = try #require(FeedbackScore(score))
            try await store.addFeedback(session: nil, score: score, comment: "why", at: .start)
        }
        try await store.close()
        let file = DatabaseFile(folder.path())
        #expect(try file.number("SELECT count(*) FROM feedback") == 3)
        #expect(try file.number("SELECT min(score) = 0 FROM feedback") == 1)
    }
}
