// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithModel
import KithTesting
import Synchronization
import Testing

@Suite("Whom a node talks to first")
struct FriendsFirstTests {
    /// Peers that say nothing, and remember who was asked.
    private final class Silent: CompanionPeers, CompanionJournal {
        private let known: [CompanionPeer]
        let asked = Mutex<[String]>([])

        init(_ tiers: [(String, Tier)]) {
            known = tiers.map { CompanionPeer(key: $0.0, name: $0.0, tier: $0.1, url: "kith://\($0.0)") }
        }

        func companions() async -> [CompanionPeer] { known }

        func ask(_ question: Shareable<PeerQuestion>, of peer: CompanionPeer) async throws -> String {
            asked.withLock { $0.append(peer.name) }
            throw PeerTalkError(.absent, "it says nothing")
        }

        func note(_ line: CompanionLine) {}
    }

    private func asked(of tiers: [(String, Tier)], times: Int) async throws -> Set<String> {
        let (peers, clock) = (Silent(tiers), ManualClock())
        let service = CompanionService(
            mind: LeakyMind(seed: 1), peers: peers, keeper: RememberedCulture(),
            wall: PrivacyGuard(memory: CompanyWorld.Memory(texts: [])), journal: peers,
            activity: UserActivity(threshold: .seconds(480), clock: clock), clock: clock,
            node: try #require(NodeID(digest: [UInt8](repeating: 1, count: 32))), way: .random,
            budget: ExchangeBudget(limits: .init(exchanges: .max, tokens: .max), now: .now()),
            generator: SeededGenerator(seed: 1))
        for _ in 0..<times { _ = try await service.talkNow() }
        return Set(peers.asked.withLock { $0 })
    }

    @Test("Friends' nodes, and its own user's machines only where there are none")
    func friends() async throws {
        #expect(try await asked(of: [("laptop", .kin), ("ben", .kith), ("server", .kin)], times: 1) == ["ben"])
        #expect(try await asked(of: [("laptop", .kin)], times: 2) == ["laptop"])
    }

    @Test("Its own machines have their turn where a friend says nothing")
    func silentFriend() async throws {
        #expect(try await asked(of: [("laptop", .kin), ("ben", .kith)], times: 12) == ["ben", "laptop"])
    }
}
