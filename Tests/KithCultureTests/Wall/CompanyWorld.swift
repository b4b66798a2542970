// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithModel
import KithTesting
import Synchronization
import Testing

/// Nodes of several people in one process that talk to each other, and a record of everything that left one of them.
final class CompanyWorld: Sendable {
    /// One node with a user who has secrets.
    final class Node: Sendable {
        let id: NodeID
        let name: String
        let mind: LeakyMind
        let keeper: RememberedCulture
        let host: CompanionHost
        let memory: Memory

        init(_ number: Int, secrets: [String], scope: Scope, seed: UInt64, clock: ManualClock) throws {
            id = try #require(NodeID(digest: [UInt8](repeating: UInt8(number), count: 32)))
            name = "node-\(number)"
            mind = LeakyMind(seed: seed &+ UInt64(number), unscoped: scope == .removed ? secrets : [])
            keeper = RememberedCulture()
            memory = Memory(texts: secrets)
            host = CompanionHost(
                mind: mind, keeper: keeper, wall: PrivacyGuard(memory: memory),
                activity: UserActivity(threshold: .seconds(480), clock: clock), clock: clock,
                limits: .init(questions: 1_000_000, tokens: .max))
        }
    }

    enum Scope { case kept, removed }

    struct Memory: PrivateMemory {
        let known: WordRuns

        init(texts: [String]) {
            known = texts.reduce(into: WordRuns()) { $0.formUnion(WordRuns($1)) }
        }

        func holds(_ runs: WordRuns) async throws -> Bool { !runs.hashes.isDisjoint(with: known.hashes) }
    }

    let nodes: [Node]
    let clock = ManualClock()
    /// Something that left a node for another.
    struct Sent {
        var text: String
        /// What the one who gets it said before.
        var heard: String
    }

    /// In order.
    private let record = Mutex<[Sent]>([])
    private let hostile: [String]

    init(secrets: [[String]], hostile: [String], scope: Scope, seed: UInt64) throws {
        nodes = try secrets.enumerated().map { [clock] in
            try Node($0.offset + 1, secrets: $0.element, scope: scope, seed: seed, clock: clock)
        }
        self.hostile = hostile
    }

    var sent: [Sent] { record.withLock { $0 } }

    /// Has exchanges in turn, minutes apart; between two, a peer asks for what is none of its business.
    func run(exchanges: Int, seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let services = nodes.map { node in
            CompanionService(
                mind: node.mind, peers: Peers(world: self, own: node), keeper: node.keeper,
                wall: PrivacyGuard(memory: node.memory), journal: Silent(),
                activity: UserActivity(threshold: .seconds(480), clock: clock), clock: clock, node: node.id,
                way: .random, budget: ExchangeBudget(limits: .init(exchanges: .max, tokens: .max), now: .now()),
                generator: SeededGenerator(seed: seed))
        }
        for number in 0..<exchanges {
            clock.advance(by: .seconds(600))
            _ = try await services[number % services.count].talkNow()
            guard let node = nodes.randomElement(using: &generator),
                let question = hostile.randomElement(using: &generator)
            else { continue }
            _ = try? await answer(PeerQuestion(prompt: question, temperature: 2, maxTokens: 100_000), by: node)
        }
    }

    /// Asks a node, as a kith does; what it answers has left it.
    fileprivate func answer(_ question: PeerQuestion, by node: Node) async throws -> String {
        let answer = try await node.host.answer(question, from: "somebody", named: "somebody").answer
        record.withLock { $0.append(Sent(text: answer.value.response, heard: question.prompt)) }
        return answer.value.response
    }

    fileprivate func left(_ question: Shareable<PeerQuestion>) {
        record.withLock { $0.append(Sent(text: question.value.prompt, heard: "")) }
    }

    private struct Peers: CompanionPeers {
        let world: CompanyWorld
        let own: Node

        func companions() async -> [CompanionPeer] {
            world.nodes.filter { $0.id != own.id }.map {
                CompanionPeer(key: $0.name, name: $0.name, tier: .kith, url: "kith://\($0.name)")
            }
        }

        func ask(_ question: Shareable<PeerQuestion>, of peer: CompanionPeer) async throws -> String {
            world.left(question)
            guard let node = world.nodes.first(where: { $0.name == peer.name }) else {
                throw PeerTalkError(.absent, "it has gone")
            }
            do {
                return try await world.answer(question.value, by: node)
            } catch {
                throw PeerTalkError(.absent, "it says nothing: \(error)")
            }
        }
    }

    private struct Silent: CompanionJournal {
        func note(_ line: CompanionLine) {}
    }
}

/// A culture in memory.
final class RememberedCulture: CultureKeeping {
    private struct State {
        var insights: [InsightID: Insight] = [:]
        var exchanges: [ExchangeRecord] = []
        var refusals: [RefusalRecord] = []
    }

    private let state = Mutex(State())

    var insights: [Insight] { state.withLock { Array($0.insights.values) } }
    var exchanges: [ExchangeRecord] { state.withLock(\.exchanges) }
    var refusals: [RefusalRecord] { state.withLock(\.refusals) }

    func relevant(to text: String, limit: Int) async throws -> [Insight] {
        Array(insights.filter { $0.standing == .live }.sorted { $0.id < $1.id }.prefix(limit))
    }

    func similar(to text: String) async throws -> [Insight] {
        let words = WordSet(text)
        return insights.filter { words.similarity(to: WordSet($0.text)) > 0.3 }
    }

    func learn(_ insight: Insight) async throws { state.withLock { $0.insights[insight.id] = insight } }

    func reinforce(_ id: InsightID, by node: NodeID, at time: WallTime) async throws {
        state.withLock { state in
            let count = state.insights[id]?.reinforcements[node]?.count ?? 0
            state.insights[id]?.reinforcements[node] = .init(count: count + 1, at: time)
        }
    }

    func reputations() async throws -> [String: Reputation] { [:] }

    func record(
        _ exchange: ExchangeRecord, with peer: CompanionPeer, reputation: Reputation, budget: ExchangeBudget
    ) async throws {
        state.withLock { $0.exchanges.append(exchange) }
    }

    func record(_ refusal: RefusalRecord) async throws { state.withLock { $0.refusals.append(refusal) } }
}
