// SPDX-License-Identifier: Apache-2.0

import KithAPI
import KithCulture
import KithModel
import KithStore
import KithSync
import KithTesting
import Logging
import Testing

@Suite("The culture of a node, and what it must not say", .timeLimit(.minutes(1)))
struct StoredCultureTests {
    private struct Parts {
        let store: Store
        let state: SharedStateStore
        let culture: StoredCulture
        let node: NodeID
    }

    private func parts() async throws -> Parts {
        let node = try #require(NodeID(digest: [UInt8](repeating: 7, count: 32)))
        let store = try Store.inMemory()
        let state = try await SharedStateStore.open(store: StoredLog(store), node: node, events: EventHub())
        let culture = StoredCulture(store: store, state: state, node: node, logger: Logger(label: "test"))
        return Parts(store: store, state: state, culture: culture, node: node)
    }

    private func insight(_ text: String, seed: UInt64, node: NodeID) -> Insight {
        var generator = SeededGenerator(seed: seed)
        return Insight(
            id: .random(using: &generator), text: text,
            provenance: .init(
                peer: "ben", tier: .kith, topic: "gardens", model: nil, exchange: RequestID(rawValue: "e"), node: node,
                at: .epoch), quality: 0.5)
    }

    @Test(
        "What is learned is found by its words and by what is like it, and is there again for whoever reads the log anew"
    )
    func learned() async throws {
        let parts = try await parts()
        let insight = insight("A garden teaches patience to those who plan.", seed: 1, node: parts.node)
        try await parts.culture.learn(insight)
        #expect(try await parts.culture.relevant(to: "how to plan gardens", limit: 3) == [insight])
        #expect(
            try await parts.culture.similar(to: "A garden teaches patience to all those who plan.").map(\.id) == [
                insight.id
            ])
        try await parts.store.removeInsights([insight.id])
        let again = StoredCulture(
            store: parts.store, state: parts.state, node: parts.node, logger: Logger(label: "test"))
        let running = Task { await again.run() }
        defer { running.cancel() }
        while try await parts.store.insight(insight.id) == nil { await Task.yield() }
    }

    @Test("One that is come to again counts for more, and comes back from the archive")
    func reinforced() async throws {
        let parts = try await parts()
        var insight = insight("A garden teaches patience.", seed: 1, node: parts.node)
        insight.standing = .archived
        try await parts.culture.write(insight)
        #expect(try await parts.store.insightCount(on: .archived) == 1)
        for count in 1...2 {
            try await parts.culture.reinforce(insight.id, by: parts.node, at: WallTime(milliseconds: Int64(count)))
        }
        let found = try #require(try await parts.store.insight(insight.id))
        #expect(found.standing == .live)
        #expect(found.timesReinforced == 2)
        #expect(found.lastLearned == WallTime(milliseconds: 2))
    }

    @Test("Conversations, the context and code are private, to the four words")
    func privateMemory() async throws {
        let parts = try await parts()
        let memory = StoredPrivateMemory(store: parts.store, state: parts.state)
        let session = try #require(SessionID("s"))
        try await parts.store.appendExchange(
            session: session, user: "My aunt Ottilie collects porcelain owls.", assistant: "How lovely.",
            outcome: .completed, at: .epoch)
        try await parts.state.write([.context("note", ["plan": "rent the blue boathouse"], by: .node(parts.node))])
        memory.noteCode("func settleGhostLedger(quietly: Bool) { archiveEverything() }")
        for told in [
            "somebody's aunt Ottilie collects porcelain", "they rent the blue boathouse",
            "settleGhostLedger quietly bool archiveEverything",
        ] {
            #expect(try await memory.holds(WordRuns(told)), "\(told)")
        }
        #expect(try await !memory.holds(WordRuns("porcelain owls are a metaphor for patience")))
    }
}
