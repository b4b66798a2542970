// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import KithTrust
import Synchronization
import Testing

@testable import KithHTTP

@Suite("Trust book")
struct TrustBookTests {
    private let store: Store
    private let book: TrustBook
    private let peer: NodeID

    init() async throws {
        store = try Store.inMemory()
        book = try await TrustBook.open(identity: try .temporary(), store: store)
        peer = try NodeIdentity.temporary().id
    }

    @Test("What is learned of a peer after it was forgotten does not make it one again", arguments: Tier.allCases)
    func lateNews(tier: Tier) async throws {
        try await book.admit(peer, as: tier, name: nil, addresses: [], at: .now())
        try await book.forget(peer, at: .now())
        try await book.update(peer) { $0.lastSeen = .now() }
        #expect(book.peers().isEmpty)
        #expect(book.standing(of: peer) == (tier == .kin ? .forgotten : .stranger))
        #expect(try await store.peerRecords().isEmpty)
    }

    @Test("Whoever is told of changes last is told how things stand")
    func orderOfChanges() async throws {
        let told = Mutex<Set<NodeID>>([])
        book.whenChanged { change in told.withLock { $0 = change.kin } }
        let peers = try (0..<8).map { _ in try NodeIdentity.temporary().id }
        try await withThrowingDiscardingTaskGroup { group in
            for (place, id) in peers.enumerated() {
                group.addTask {
                    try await book.admit(id, as: .kin, name: nil, addresses: [], at: .now())
                    if place.isMultiple(of: 2) { try await book.forget(id, at: .now()) }
                }
            }
        }
        #expect(told.withLock { $0 } == book.kin)
        #expect(book.kin.count == 4)
    }
}
