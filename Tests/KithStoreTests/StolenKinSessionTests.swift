// SPDX-License-Identifier: Apache-2.0

import KithModel
import Testing

@testable import KithStore

/// What one kin, or one program that asks without a name, can do to the conversations of a node.
@Suite struct `Conversations of others and one's own` {
    private static func node(_ number: UInt8) throws -> NodeID {
        try #require(NodeID(digest: [UInt8](repeating: number, count: 32)))
    }

    private static func session(_ name: String, text: String = "text") throws -> SessionExport {
        SessionExport(
            id: SessionID(test: name), createdAt: .start, lastUsedAt: .start, turnCount: 1,
            turns: [
                .init(turn: ConversationTurn(role: .user, text: text, time: .start), outcome: nil),
                .init(turn: ConversationTurn(role: .assistant, text: "a", time: .start), outcome: .completed),
            ])
    }

    @Test func `what kin send never pushes out what is one's own, nor what another kin sent`() async throws {
        let store = try Store.inMemory(limits: StoreLimits(sessions: 40))
        for number in 0..<20 { try await store.exchange(SessionID(test: "own\(number)"), "q", "a") }
        #expect(try await store.importSession(Self.session("other"), from: Self.node(2)) == .stored)
        var outcomes: [SessionImport] = []
        for number in 0..<100 {
            outcomes.append(try await store.importSession(Self.session("x\(number)"), from: Self.node(1)))
        }
        #expect(outcomes.count { $0 == .stored } == 5)
        #expect(outcomes.suffix(95).allSatisfy { $0 == .full })
        let names = Set(try await store.sessions(limit: 100).map(\.id.rawValue))
        #expect((0..<20).allSatisfy { names.contains("own\($0)") })
        #expect(names.contains("other"))
    }

    @Test func `what was continued here is one's own, and makes room for more of that kin`() async throws {
        let store = try Store.inMemory(limits: StoreLimits(sessions: 8))
        #expect(try await store.importSession(Self.session("x"), from: Self.node(1)) == .stored)
        #expect(try await store.importSession(Self.session("y"), from: Self.node(1)) == .full)
        try await store.exchange(SessionID(test: "x"), "q", "a")
        #expect(try await store.importSession(Self.session("y"), from: Self.node(1)) == .stored)
    }

    @Test func `a node that is full takes no conversation in place of another`() async throws {
        let store = try Store.inMemory(limits: StoreLimits(sessions: 3))
        for number in 0..<3 { try await store.exchange(SessionID(test: "own\(number)"), "q", "a") }
        #expect(try await store.importSession(Self.session("x"), from: Self.node(1)) == .full)
        #expect(try await store.sessions(limit: 9).count == 3)
    }

    @Test func `questions without a name push out such questions, and no conversation that was named or gone on with`()
        async throws
    {
        let store = try Store.inMemory(limits: StoreLimits(sessions: 20))
        let gone = try #require(SessionID("session-gone-on-with"))
        for _ in 0..<2 { try await store.exchange(gone, "q", "a") }
        for number in 0..<8 { try await store.exchange(SessionID(test: "named\(number)"), "q", "a") }
        for _ in 0..<1_005 { try await store.exchange(.random(), "q", "a") }
        let names = Set(try await store.sessions(limit: 100).map(\.id.rawValue))
        #expect(names.count == 20)
        #expect(names.contains(gone.rawValue))
        #expect((0..<8).allSatisfy { names.contains("named\($0)") })
    }

    @Test func `with a stolen kin goes what it sent and nobody continued, with another nothing`() async throws {
        let store = try Store.inMemory()
        for number: UInt8 in 1...2 {
            for name in ["a", "b"] {
                _ = try await store.importSession(Self.session("\(name)\(number)"), from: Self.node(number))
            }
            try await store.exchange(SessionID(test: "a\(number)"), "q", "a")
        }
        try await store.settleSessions(of: Self.node(1), removing: true)
        try await store.settleSessions(of: Self.node(2), removing: false)
        #expect(Set(try await store.sessions(limit: 9).map(\.id.rawValue)) == ["a1", "a2", "b2"])
    }
}
