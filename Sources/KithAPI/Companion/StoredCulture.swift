// SPDX-License-Identifier: Apache-2.0

package import KithCulture
import KithDialects
package import KithModel
package import KithStore
package import KithSync
package import Logging
import Synchronization

/// The culture of a node: in the log that kin share, and in tables in which it is searched.
///
/// The log is what counts. The tables follow it, no matter which node wrote, and keep what has fallen out of it as an
/// archive.
package final class StoredCulture: Sendable {
    /// Live insights; beyond it, those that count least are archived.
    package static let liveLimit = 2_000
    /// Archived ones; beyond it, the oldest are forgotten. The log of the shared state takes some more than both.
    package static let archiveLimit = 6_000
    /// So many of the oldest are compared when one has to be archived.
    private static let archivedFrom = 256

    /// Insights that share one write to the disk.
    private static let batch = 256

    private let store: Store
    private let state: SharedStateStore
    /// Insights whose rows may differ from the log.
    private let behind = Mutex<Set<InsightID>>([])
    private let node: NodeID
    private let logger: Logger
    private let onExchange = CallbackList<ExchangeRecord>()
    private let onRefusal = CallbackList<RefusalRecord>()

    package init(store: Store, state: SharedStateStore, node: NodeID, logger: Logger) {
        self.store = store
        self.state = state
        self.node = node
        self.logger = logger
    }

    /// Brings the tables up to date with the log, and keeps them so until cancelled.
    package func run() async {
        // One signal is enough for any number of changes: what has changed is kept apart from it.
        let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.whenInsightsChange { [weak self] changed in
            self?.behind.withLock { $0.formUnion(changed) }
            signal.continuation.yield()
        }
        do {
            let present = state.insights().map(\.id)
            let stored = try await store.insightIDs()
            behind.withLock { $0.formUnion(present + stored) }
        } catch {
            // A node that ends, or whose start was refused, reads no more.
            if Task.isCancelled { return }
            logger.error("culture not read", metadata: ["reason": "\(error)"])
        }
        signal.continuation.yield()
        for await _ in signal.stream {
            let changed = behind.withLock { behind in
                defer { behind = [] }
                return behind.sorted()
            }
            await follow(changed)
        }
    }

    /// Reads these from the log and writes what differs to the tables; what is gone from the log is forgotten there too.
    private func follow(_ ids: [InsightID]) async {
        for start in stride(from: 0, to: ids.count, by: Self.batch) {
            let part = Array(ids[start..<min(start + Self.batch, ids.count)])
            let present = part.compactMap { state.insight($0) }
            let gone = Set(part).subtracting(present.map(\.id))
            do {
                let stored = Set(try await store.insights(part))
                try await store.put(present.filter { !stored.contains($0) }.map(Self.indexed))
                if !gone.isEmpty { try await store.removeInsights(gone.sorted()) }
            } catch {
                logger.error("culture not indexed", metadata: ["reason": "\(error)"])
            }
        }
    }

    static func indexed(_ insight: Insight) -> IndexedInsight {
        IndexedInsight(insight, bands: WordSignature(WordSet(insight.text)).bandHashes)
    }

    /// Calls `action` with each exchange that is on record; must not wait.
    package func whenExchanged(_ action: @escaping @Sendable (ExchangeRecord) -> Void) { onExchange.add(action) }

    /// Calls `action` with each text that was not said, once it is on record; must not wait.
    package func whenHeldBack(_ action: @escaping @Sendable (RefusalRecord) -> Void) { onRefusal.add(action) }

    // MARK: Changes by the owner

    /// Stores an insight as it is, in place of the one with its id.
    ///
    /// - Throws: `StateRefusal`; `StoreError`.
    package func write(_ insight: Insight) async throws { try await write([insight]) }

    /// The same for many, in batches.
    package func write(_ insights: [Insight]) async throws {
        for start in stride(from: 0, to: insights.count, by: Self.batch) {
            let part = insights[start..<min(start + Self.batch, insights.count)]
            try await state.write(
                try part.map { insight in
                    let value = try JSONBody.decode(JSONValue.self, from: try JSONBody.encode(InsightMessage(insight)))
                    return StateChange(.insight(insight.id.rawValue), by: .node(node), value: value)
                })
            try await store.put(part.map(Self.indexed))
        }
    }

    /// Removes insights, here and at all kin.
    package func forget(_ ids: [InsightID]) async throws {
        try await state.write(ids.map { StateChange(.insight($0.rawValue), by: .node(node), value: nil) })
        try await store.removeInsights(ids)
    }
}

extension StoredCulture: CultureKeeping {
    package func relevant(to text: String, limit: Int) async throws -> [Insight] {
        try await store.insights(relevantTo: text, limit: limit)
    }

    package func similar(to text: String) async throws -> [Insight] {
        try await store.insights(sharing: WordSignature(WordSet(text)).bandHashes)
    }

    package func learn(_ insight: Insight) async throws {
        try await makeRoom()
        try await write(insight)
    }

    /// Archives what counts least of the oldest; and forgets what was archived longest ago when there is too much of
    /// that.
    private func makeRoom() async throws {
        let live = try await store.insightCount(on: .live)
        if live >= Self.liveLimit {
            let now = WallTime.now()
            let oldest = try await store.oldestInsights(limit: Self.archivedFrom)
            let least = oldest.sorted { $0.score(at: now) < $1.score(at: now) }
            try await write(
                least.prefix(live - Self.liveLimit + 1).map { insight in
                    var archived = insight
                    archived.standing = .archived
                    return archived
                })
        }
        guard try await store.insightCount(on: .archived) >= Self.archiveLimit else { return }
        let oldest = try await store.insights(on: .archived, limit: 64, offset: Self.archiveLimit - 64)
        try await forget(oldest.map(\.id))
    }

    package func reinforce(_ id: InsightID, by node: NodeID, at time: WallTime) async throws {
        guard var insight = try await store.insight(id) else { return }
        let count = insight.reinforcements[node]?.count ?? 0
        insight.reinforcements[node] = .init(count: count + 1, at: time)
        if insight.standing == .archived { insight.standing = .live }
        try await write(insight)
    }

    package func reputations() async throws -> [String: Reputation] {
        let records = try await store.companions()
        return Dictionary(records.map { ($0.key, Reputation($0)) }, uniquingKeysWith: { first, _ in first })
    }

    package func record(
        _ exchange: ExchangeRecord, with peer: CompanionPeer, reputation: Reputation, budget: ExchangeBudget
    ) async throws {
        try await store.record(
            exchange, companion: CompanionRecord(peer, reputation),
            budget: BudgetRecord(day: budget.day, exchanges: budget.exchanges, tokens: budget.tokens))
        onExchange(exchange)
    }

    package func record(_ refusal: RefusalRecord) async throws {
        try await store.record(refusal)
        onRefusal(refusal)
    }
}

extension Reputation {
    package init(_ record: CompanionRecord) {
        self.init(
            stored: Stored(
                gains: record.gains, losses: record.losses, time: record.at, exchanges: record.exchanges,
                successes: record.successes, strikes: record.strikes, pauses: record.pauses,
                pausedUntil: record.pausedUntil, latency: record.latency))
    }
}

extension CompanionRecord {
    fileprivate init(_ peer: CompanionPeer, _ reputation: Reputation) {
        let stored = reputation.stored
        self.init(
            key: peer.key, name: peer.name, gains: stored.gains, losses: stored.losses, at: stored.time,
            exchanges: stored.exchanges, successes: stored.successes, strikes: stored.strikes, pauses: stored.pauses,
            pausedUntil: stored.pausedUntil, latency: stored.latency)
    }
}
