// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import KithTesting
import Synchronization
import Testing

@Suite("The culture in the store")
struct CultureTests {
    private func insight(
        _ text: String, seed: UInt64, topic: String = "meaning", standing: Insight.Standing = .live,
        at time: WallTime = .start
    ) -> Insight {
        var generator = SeededGenerator(seed: seed)
        return Insight(
            id: .random(using: &generator), text: text,
            provenance: .init(
                peer: "laptop", tier: .kith, topic: topic, model: "smollm2", exchange: RequestID(rawValue: "e\(seed)"),
                node: NodeID(test: 1), at: time),
            quality: 0.75, standing: standing,
            reinforcements: [NodeID(test: 2): .init(count: 3, at: time + .seconds(9))])
    }

    @Test("What is put in comes out as it was, and putting it in again changes it", arguments: StoreKind.allCases)
    func roundTrip(kind: StoreKind) async throws {
        try await kind.withStore { store in
            var kept = insight("Silence has a shape that words only trace.", seed: 1)
            try await store.put([IndexedInsight(kept, bands: [1, .max])])
            #expect(try await store.insight(kept.id) == kept)
            kept.standing = .waiting(.advertisement)
            kept.text = "Silence is on sale."
            try await store.put([IndexedInsight(kept, bands: [2])])
            #expect(try await store.insight(kept.id) == kept)
            #expect(try await store.searchInsights("trace", limit: 5).isEmpty)
            #expect(try await store.insights(sharing: [1]).isEmpty)
            #expect(try await store.insights(sharing: [2]) == [kept])
            #expect(try await store.insightCount(on: .waiting) == 1)
            try await store.removeInsights([kept.id])
            #expect(try await store.insight(kept.id) == nil)
            #expect(try await store.insights(sharing: [2]).isEmpty)
        }
    }

    @Test("A search finds all words in any form, the best first; what it is given is never taken for a command")
    func search() async throws {
        try await StoreKind.memory.withStore { store in
            let one = insight("Patience reflects the rhythm of a river.", seed: 1)
            let two = insight("Rivers are patient teachers of change; a river never argues.", seed: 2, topic: "rivers")
            let three = insight("Curiosity needs no aim.", seed: 3)
            try await store.put([one, two, three].map { IndexedInsight($0, bands: []) })
            #expect(try await store.searchInsights("river", limit: 5).map(\.id) == [two.id, one.id])
            #expect(try await store.searchInsights("reflecting RIVERS", limit: 5) == [one])
            #expect(try await store.searchInsights("river", limit: 1).count == 1)
            for query in [
                "", "\"", "\" OR 1", "NEAR(", "a*", "text:x", "-river", "river\0", "'; DROP TABLE insight", "👩‍🚀",
            ] {
                _ = try await store.searchInsights(query, limit: 5)
            }
            #expect(try await store.insightCount(on: .live) == 3)
        }
    }

    @Test("Of insights that hold words which a thousand others hold too, the newest come first")
    func searchForFrequentWords() async throws {
        try await StoreKind.memory.withStore { store in
            let many = (0...1_000).map { insight("Rivers teach patience.", seed: UInt64($0)) }
            let last = insight("Whoever walks far along rivers needs little patience in the end.", seed: 2_000)
            let first = insight("Patience, rivers, patience, rivers.", seed: 3_000)
            try await store.put(([first] + many + [last]).map { IndexedInsight($0, bands: []) })
            let found = try await store.searchInsights("patience river", limit: 3)
            #expect(found.map(\.id) == [last.id, many[1_000].id, many[999].id])
        }
    }

    @Test("A pause of the company lasts over a new start, from its beginning, until it is ended")
    func pause() async throws {
        let folder = try TemporaryFolder()
        var store = try Store(path: folder.path())
        #expect(try await store.companionPause() == nil)
        try await store.setCompanionPause(since: .start)
        try await store.setCompanionPause(since: .start + .seconds(9))
        try await store.close()
        store = try Store(path: folder.path())
        #expect(try await store.companionPause() == .start)
        try await store.setCompanionPause(since: nil)
        #expect(try await store.companionPause() == nil)
        try await store.close()
    }

    @Test("What is relevant has rare words in common with the text, and is live")
    func relevant() async throws {
        try await StoreKind.memory.withStore { store in
            let live = insight("A garden teaches what a plan cannot.", seed: 1)
            let waiting = insight("Buy our garden tools.", seed: 2, standing: .waiting(.advertisement))
            let archived = insight("Every garden ends at a wall.", seed: 3, standing: .archived)
            let other = insight("Trust is repaired in small steps.", seed: 4)
            try await store.put([live, waiting, other].map { IndexedInsight($0, bands: []) })
            try await store.put([IndexedInsight(archived, bands: [])])
            let prompt = "How should I plan the gardens behind the house, and what is there to do in spring?"
            #expect(try await store.insights(relevantTo: prompt, limit: 3) == [live])
            #expect(try await store.insights(relevantTo: "nothing of the kind", limit: 3).isEmpty)
            #expect(try await store.insights(on: .archived, limit: 5) == [archived])
        }
    }

    @Test("Those that share most bands come first")
    func bands() async throws {
        try await StoreKind.memory.withStore { store in
            let (near, far) = (insight("Near.", seed: 1), insight("Far.", seed: 2))
            try await store.put([IndexedInsight(far, bands: [1, 9, 8]), IndexedInsight(near, bands: [1, 2, 3])])
            #expect(try await store.insights(sharing: [1, 2, 3]) == [near, far])
            #expect(try await store.insights(sharing: [7]).isEmpty)
        }
    }

    @Test(
        "Exchanges, peers and what was held back are kept, the oldest go where there are too many",
        arguments: StoreKind.allCases)
    func company(kind: StoreKind) async throws {
        try await kind.withStore(limits: StoreLimits(exchanges: 2, companions: 2, refusals: 2)) { store in
            let exchanges = (1...3).map { number in
                ExchangeRecord(
                    id: RequestID(rawValue: "exchange-\(number)"), at: .start + .seconds(number), peer: "laptop",
                    tier: .kin,
                    topic: "doubt", outcome: number == 3 ? .failed : .learned, note: number == 3 ? "it slept" : nil,
                    duration: .seconds(3), tokens: 120)
            }
            for (number, exchange) in exchanges.enumerated() {
                let companion = CompanionRecord(
                    key: "peer-\(number)", name: "laptop", gains: 1.5, losses: 0.5, at: exchange.at, exchanges: 3,
                    successes: 2,
                    strikes: 1, pauses: 0, pausedUntil: number == 2 ? .start : nil, latency: .milliseconds(900))
                try await store.record(
                    exchange, companion: companion, budget: BudgetRecord(day: 19_675, exchanges: number, tokens: 100))
                try await store.record(
                    RefusalRecord(at: exchange.at, peer: "laptop", reason: .privateMemory, text: "text \(number)"))
            }
            #expect(try await store.exchanges(limit: 9) == [exchanges[2], exchanges[1]])
            #expect(try await store.companions().map(\.key) == ["peer-1", "peer-2"])
            #expect(try await store.companions().last?.pausedUntil == .start)
            #expect(try await store.exchangeBudget() == BudgetRecord(day: 19_675, exchanges: 2, tokens: 100))
            #expect(try await store.refusals(limit: 9).map(\.text) == ["text 2", "text 1"])
        }
    }

    @Test("Everything that was said in private is gone through, until it is enough")
    func turns() async throws {
        try await StoreKind.memory.withStore { store in
            let session = SessionID(test: "s")
            try await store.exchange(session, "where is the key", "under the pot")
            let score = try #require(FeedbackScore(1))
            try await store.addFeedback(session: session, score: score, comment: "lovely", at: .start)
            let seen = Seen()
            try await store.eachTurn { seen.add($0) }
            #expect(seen.texts == ["where is the key", "under the pot", "lovely"])
            let few = Seen(limit: 1)
            try await store.eachTurn { few.add($0) }
            #expect(few.texts.count == 1)
        }
    }
}

private final class Seen: Sendable {
    private let state: Mutex<[String]>
    private let limit: Int

    init(limit: Int = .max) {
        state = Mutex([])
        self.limit = limit
    }

    var texts: [String] { state.withLock { $0 } }

    func add(_ text: String) -> Bool {
        state.withLock { texts in
            texts.append(text)
            return texts.count < limit
        }
    }
}
