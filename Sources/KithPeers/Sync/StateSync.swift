// SPDX-License-Identifier: Apache-2.0

import KithMembership
import KithModel
import KithSync
import Logging
import Synchronization

/// Keeps the shared state of kin in sync: changes are sent at once, and everything is compared now and then.
final class StateSync: Sendable {
    /// Between two comparisons with all kin.
    static let interval = Duration.seconds(30)
    /// What came from one kin reaches the others from its origin; kin that could not be reached from there get it from
    /// here.
    static let relayPause = Duration.seconds(2)
    /// Messages of one exchange; each brings both sides forward or is the last.
    static let roundLimit = 1_000
    static let limit = Duration.seconds(10)

    /// One exchange with a kin.
    struct Exchange: Hashable, Sendable {
        let kin: NodeID
        /// Operations.
        var sent = 0
        var received = 0
    }

    let shared: SharedStateStore
    /// Called after each exchange, by the task that has had it.
    let news = Callback<Exchange>()
    private let links: PeerLinks
    private let membership: MembershipService
    private let clock: any TimeSource
    private let logger: Logger
    private let turns = Mutex<[NodeID: Turn]>([:])
    private let stalls = Mutex<[NodeID: SyncStalls]>([:])
    /// Learns from a kin who else is kin, where it mentions nodes that are not.
    private let introductions: @Sendable (NodeID) async -> Void
    /// Something was written here.
    private let writes: AsyncStream<Void>
    /// Something came from a kin.
    private let takes: AsyncStream<Void>
    /// Who is kin has changed.
    private let changes: (stream: AsyncStream<Void>, continuation: AsyncStream<Void>.Continuation)

    /// Whether an exchange with a kin runs, and another has to follow it.
    private enum Turn { case running, again }

    /// - Parameters:
    ///   - introductions: Learns from this kin who else is kin.
    ///   - onWrite: Called for each write of this node, outside of all locks; must not wait.
    init(
        shared: SharedStateStore, node: NodeID, links: PeerLinks, membership: MembershipService, clock: any TimeSource,
        logger: Logger, introductions: @escaping @Sendable (NodeID) async -> Void = { _ in },
        onWrite: @escaping @Sendable () -> Void = {}
    ) {
        self.shared = shared
        self.links = links
        self.membership = membership
        self.clock = clock
        self.logger = logger
        self.introductions = introductions
        changes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (writes, wrote) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (takes, took) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        (self.writes, self.takes) = (writes, takes)
        shared.whenChanged { outcome in
            if outcome.wasRestored {
                logger.warning("the database is an older copy of itself; what it lacks is taken from kin")
            }
            if outcome.transition.inserted.contains(where: { $0.id.replica.node == node }) {
                wrote.yield()
                onWrite()
            }
            if outcome.transition.inserted.contains(where: { $0.id.replica.node != node }) { took.yield() }
        }
    }

    /// Runs until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.push() }
            group.addTask { await self.relay() }
            group.addTask { await self.compareNowAndThen() }
            group.addTask { await self.removeOthers() }
        }
    }

    /// What a node wrote goes when it is kin no more.
    private func removeOthers() async {
        for await _ in changes.stream {
            do {
                try await shared.removeOthers()
            } catch {
                logger.warning("what others than kin have written is still there", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func push() async {
        await withDiscardingTaskGroup { group in
            for await _ in writes {
                for id in membership.reachable { group.addTask { await self.exchange(with: id) } }
            }
        }
    }

    private func relay() async {
        for await _ in takes {
            do { try await clock.sleep(for: Self.relayPause) } catch { return }
            await exchange(with: lagging)
        }
    }

    /// The kin that may not know everything that this node does.
    private var lagging: [NodeID] {
        let own = shared.versions
        return membership.reachable.filter { shared.standing(of: $0)?.versions?.covers(own) != true }
    }

    private func compareNowAndThen() async {
        while true {
            do { try await clock.sleep(forAbout: Self.interval) } catch { return }
            try? await shared.compact()  // A disk that fails is reported where something is written.
            await exchange(with: membership.reachable)
        }
    }

    private func exchange(with kin: [NodeID]) async {
        await withDiscardingTaskGroup { group in
            for id in kin { group.addTask { await self.exchange(with: id) } }
        }
    }

    // MARK: One kin

    /// Exchanges until both know the same; a call while one runs makes that one run again.
    func exchange(with id: NodeID) async {
        let isFirst = turns.withLock { turns in
            defer { turns[id] = turns[id] == nil ? .running : .again }
            return turns[id] == nil
        }
        guard isFirst else { return }
        repeat {
            do {
                news(try await converge(with: id))
                shared.note(id) {
                    $0.exchangedAt = .now()
                    $0.unreachableSince = nil
                    $0.problem = nil
                }
            } catch {
                logger.debug("state not exchanged", metadata: ["peer": "\(id.short)", "reason": "\(error)"])
                shared.note(id) { $0.problem = "\(error)" }
            }
        } while isAskedAgain(id)
    }

    private func isAskedAgain(_ id: NodeID) -> Bool {
        turns.withLock { turns in
            let isAgain = turns[id] == .again && !Task.isCancelled
            turns[id] = isAgain ? .running : nil
            return isAgain
        }
    }

    private func converge(with id: NodeID) async throws -> Exchange {
        var exchange = Exchange(kin: id)
        let link = try await links.link(to: id, at: membership.addresses(of: id))
        // A kin that has not said yet what it knows is asked first, and sent nothing that it may know.
        var known = shared.standing(of: id)?.versions
        for _ in 0..<Self.roundLimit {
            let before = shared.versions
            let question =
                if let known {
                    try await message(for: known, to: id)
                } else {
                    SyncMessage(versions: shared.versions)
                }
            let answer = try await link.exchange(question, members: shared.members, limit: Self.limit)
            exchange.sent += question.operationCount
            exchange.received += answer.operationCount
            stalls.withLock {
                $0[id, default: SyncStalls()].asked(question, answer: answer.versions, now: clock.now)
            }
            note(answer.versions, of: id)
            try await take(answer, from: id)
            if answer.isComplete, answer.versions.covers(shared.versions) { return exchange }
            // Without news on either side another round would say the same.
            guard known != answer.versions || shared.versions != before else { return exchange }
            known = answer.versions
        }
        return exchange
    }

    /// Answers a kin's message.
    ///
    /// - Throws: `StateRefusal`.
    func answer(_ question: SyncMessage, from id: NodeID) async throws -> SyncMessage {
        try await take(question, from: id)
        stalls.withLock { $0[id, default: SyncStalls()].heard(question.versions, now: clock.now) }
        note(question.versions, of: id)
        shared.note(id) { standing in
            standing.exchangedAt = .now()
            standing.unreachableSince = nil
        }
        let answer = try await message(for: question.versions, to: id)
        stalls.withLock { $0[id, default: SyncStalls()].sent(answer) }
        let exchange = Exchange(kin: id, sent: answer.operationCount, received: question.operationCount)
        // The kin compares now and then, which is no news here.
        if exchange.sent + exchange.received > 0 { news(exchange) }
        return answer
    }

    private func take(_ message: SyncMessage, from id: NodeID) async throws {
        guard !message.ranges.isEmpty || message.holdings != nil || !message.strangers.isEmpty else { return }
        if !message.strangers.isEmpty, stalls.withLock({ $0[id, default: SyncStalls()].mayAsk(now: clock.now) }) {
            await introductions(id)
            // What it says of them was left out when its message was read. It says it again.
            if !message.strangers.isDisjoint(with: shared.members ?? []) { return }
        }
        let refusals = try await shared.take(message, from: id)
        shared.note(id) { $0.refused = refusals.map(\.description).min() }
    }

    private func message(for known: VersionVector, to id: NodeID) async throws -> SyncMessage {
        let stalled = stalls.withLock { $0[id]?.stalled(now: clock.now) ?? [] }
        return try await shared.message(for: known, except: stalled)
    }

    /// What a kin says that it knows.
    private func note(_ versions: VersionVector, of id: NodeID) {
        // As many more as a kin that was away may have to tell of at once.
        let told = versions.restricted(to: shared.versions, beside: 256)
        shared.note(id) { $0.versions = told }
    }

    // MARK: Which kin can be reached

    /// The kin to exchange with from now on.
    ///
    /// - Parameter hadLiar: Whether one was forgotten that may have lied about what this node wrote.
    func setKin(_ kin: Set<NodeID>, hadLiar: Bool = false) {
        shared.count(only: kin, hadLiar: hadLiar)
        shared.keepStandings(of: kin)
        stalls.withLock { $0 = $0.filter { kin.contains($0.key) } }
        changes.continuation.yield()
    }

    func lost(_ id: NodeID) {
        shared.note(id) { if $0.unreachableSince == nil { $0.unreachableSince = .now() } }
    }
}

extension SyncMessage {
    fileprivate var operationCount: Int { ranges.reduce(0) { $0 + $1.operations.count } }
}
