// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import Testing

@Suite("Conversations that move to another node")
struct SessionTransferTests {
    private let session = SessionID(test: "kitchen")

    private func export(_ store: Store) async throws -> SessionExport {
        try #require(try await store.exportSession(session, textLimit: .max))
    }

    /// A store with so many exchanges in the session.
    private func sender(_ exchanges: Int = 2, limits: StoreLimits = .standard) async throws -> Store {
        let store = try Store.inMemory(limits: limits)
        for number in 0..<exchanges {
            try await store.appendExchange(
                session: session, user: "q\(number)", assistant: "a\(number)",
                outcome: number.isMultiple(of: 2) ? .completed : .cutOff, model: "m:1", node: NodeName("desk"),
                usage: TokenUsage(promptTokens: number, completionTokens: 2), at: .start + .seconds(number))
        }
        return store
    }

    @Test(
        "What arrives is what was sent, with times, models, tokens and how each answer ended",
        arguments: StoreKind.allCases)
    func whole(kind: StoreKind) async throws {
        let sent = try await export(sender())
        try await kind.withStore { receiver in
            #expect(try await receiver.importSession(sent) == .stored)
            #expect(try await export(receiver) == sent)
            #expect(sent.turns.map(\.outcome) == [nil, .completed, nil, .cutOff])
            #expect(try await receiver.texts(session) == ["q0", "a0", "q1", "a1"])
            let summary = try #require(try await receiver.sessions(limit: 1).first)
            #expect(summary.turnCount == 2)
            #expect((summary.createdAt, summary.lastUsedAt) == (.start, .start + .seconds(1)))
        }
    }

    @Test("The same twice is kept once, also after it went on here")
    func repeated() async throws {
        let sent = try await export(sender())
        let receiver = try Store.inMemory()
        #expect(try await receiver.importSession(sent) == .stored)
        #expect(try await receiver.importSession(sent) == .held)
        try await receiver.exchange(session, "later", "yes")
        #expect(try await receiver.importSession(sent) == .held)
        #expect(try await receiver.texts(session).suffix(2) == ["later", "yes"])
        #expect(try await receiver.sessions(limit: 10).count == 1)
    }

    @Test("A conversation that went on takes the place of its beginning, and the feedback stays")
    func continued() async throws {
        let sender = try await sender()
        let receiver = try Store.inMemory()
        _ = try await receiver.importSession(export(sender))
        try await receiver.addFeedback(session: session, score: try #require(FeedbackScore(1)), at: .start)
        try await sender.exchange(session, "more", "of it")
        #expect(try await receiver.importSession(export(sender)) == .stored)
        #expect(try await receiver.texts(session) == ["q0", "a0", "q1", "a1", "more", "of it"])
        #expect(try await receiver.sessions(limit: 1).first?.turnCount == 3)
    }

    @Test("Another conversation of the same name is left as it is")
    func otherConversation() async throws {
        let receiver = try Store.inMemory()
        try await receiver.exchange(session, "mine", "yours")
        #expect(try await receiver.importSession(export(sender())) == .refused)
        #expect(try await receiver.texts(session) == ["mine", "yours"])
    }

    @Test("The receiver's tally is its own")
    func tally() async throws {
        let receiver = try Store.inMemory()
        _ = try await receiver.importSession(export(sender()))
        let state = try await receiver.state(at: .start)
        #expect((state.turnCount, state.sessions, state.valence) == (0, 1, 0))
        #expect(state.outcomes == OutcomeCounts())
    }

    @Test("What was sent is removed, and its feedback and tally stay")
    func removed() async throws {
        let sender = try await sender()
        try await sender.addFeedback(session: session, score: try #require(FeedbackScore(1)), at: .start)
        let before = try await sender.state(at: .start)
        #expect(try await sender.removeSession(export(sender)))
        let after = try await sender.state(at: .start)
        #expect(try await sender.texts(session).isEmpty)
        #expect((after.turnCount, after.valence) == (before.turnCount, before.valence))
        #expect(after.sessionsCompleted == 0)
        #expect(try await sender.exportSession(session, textLimit: .max) == nil)
    }

    @Test("What went on since it was sent stays, and what is gone is gone")
    func changed() async throws {
        let sender = try await sender()
        let sent = try await export(sender)
        try await sender.exchange(session, "meanwhile", "yes")
        #expect(try await !sender.removeSession(sent))
        #expect(try await sender.texts(session).count == 6)
        try await sender.deleteSession(session)
        #expect(try await sender.removeSession(sent))
    }

    @Test("More text than may be sent is refused, with how much it is")
    func tooLong() async throws {
        let sender = try await sender()
        let error = await #expect(throws: StoreError.self) {
            try await sender.exportSession(session, textLimit: 7)
        }
        #expect(error?.code == .limitReached)
        #expect(error?.message.contains("8 bytes") == true)
        #expect(try await sender.exportSession(session, textLimit: 8) != nil)
    }

    @Test("A receiver that keeps less keeps the last turns, and knows the conversation again")
    func smallReceiver() async throws {
        let sent = try await export(sender(5))
        let receiver = try Store.inMemory(limits: StoreLimits(sessions: 3, turnsPerSession: 4))
        try await receiver.exchange(SessionID(test: "old"), "q", "a")
        try await receiver.exchange(SessionID(test: "new"), "q", "a")
        #expect(try await receiver.importSession(sent) == .stored)
        #expect(try await receiver.importSession(sent) == .held)
        #expect(try await receiver.texts(session) == ["q3", "a3", "q4", "a4"])
        #expect(try await receiver.sessions(limit: 9).count == 3)
        #expect(try await receiver.state(at: .start).sessionsCompleted == 0)
    }

    @Test("Text that the database cannot keep is kept as a node's own would be")
    func hostileText() async throws {
        var sent = try await export(sender(1))
        sent.turns[0].turn.text = "a\0b"
        sent.turns[1].turn.model = ModelID(String(repeating: "m", count: 2_000))
        let receiver = try Store.inMemory()
        #expect(try await receiver.importSession(sent) == .stored)
        #expect(try await receiver.importSession(sent) == .held)
        #expect(try await receiver.texts(session).first == "a\u{FFFD}b")
    }

    @Test("For reading come the last turns that fit")
    func reading() async throws {
        let store = try await sender(3)
        let all = try #require(try await store.session(session, textLimit: 100))
        #expect(all.turns.map(\.text) == ["q0", "a0", "q1", "a1", "q2", "a2"])
        #expect(!all.isCut)
        let last = try #require(try await store.session(session, textLimit: 5))
        #expect(last.turns.map(\.text) == ["q2", "a2"])
        #expect(last.isCut)
        #expect(try await store.session(SessionID(test: "nobody"), textLimit: 5) == nil)
    }
}

extension Store {
    fileprivate func importSession(_ session: SessionExport) async throws -> SessionImport {
        try await importSession(session, from: try #require(NodeID(digest: [UInt8](repeating: 3, count: 32))))
    }
}
