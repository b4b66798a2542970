// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithPeers
import KithStore
import KithSurfaceTesting
import KithTrust
import Synchronization
import Testing

@Suite("The trust book", .timeLimit(.minutes(1)))
struct TrustStoreTests {
    private struct Owner {
        let identity: NodeIdentity
        let store: Store
        let book: TrustStore

        init() async throws {
            identity = try .temporary()
            store = try .inMemory()
            book = try await TrustStore.open(identity: identity, store: store)
        }

        var id: NodeID { identity.id }

        func reopened() async throws -> TrustStore { try await TrustStore.open(identity: identity, store: store) }

        func admit(_ id: NodeID, as tier: Tier = .kin, at addresses: [PeerAddress] = []) async throws {
            try await book.admit(id, as: tier, name: NodeName("peer"), addresses: addresses, at: .now())
        }
    }

    /// Notes what a book tells.
    private final class Changes: Sendable {
        private let told = Mutex<[TrustStore.Change]>([])

        init(of book: TrustStore) { book.whenChanged { change in self.told.withLock { $0.append(change) } } }

        func take() -> [TrustStore.Change] {
            told.withLock { told in
                defer { told = [] }
                return told
            }
        }
    }

    private func address(_ port: Int) throws -> PeerAddress { try #require(PeerAddress(host: "127.0.0.1", port: port)) }

    @Test("Everybody is own, kin, kith, forgotten or a stranger, also after the book is opened anew")
    func standings() async throws {
        let owner = try await Owner()
        let (kin, kith, forgotten) = (try id(), try id(), try id())
        try await owner.admit(kin)
        try await owner.admit(kith, as: .kith)
        try await owner.admit(forgotten)
        try await owner.book.forget(forgotten, at: .now())
        for book in [owner.book, try await owner.reopened()] {
            #expect(book.standing(of: owner.id) == .own)
            #expect(book.standing(of: kin) == .kin)
            #expect(book.standing(of: kith) == .kith)
            #expect(book.standing(of: forgotten) == .forgotten)
            #expect(book.standing(of: try id()) == .stranger)
            #expect(book.kin == [kin])
            #expect(Set(book.peers().map(\.id)) == [kin, kith])
        }
    }

    @Test("A kith that is forgotten is a stranger: nobody else was told of it")
    func forgottenKith() async throws {
        let owner = try await Owner()
        let kith = try id()
        try await owner.admit(kith, as: .kith)
        try await owner.book.forget(kith, at: .now())
        #expect(owner.book.standing(of: kith) == .stranger)
        #expect(owner.book.peers().isEmpty)
    }

    @Test("What is known of a peer is there when the book is opened anew, each address once and the first first")
    func records() async throws {
        let owner = try await Owner()
        let peer = try id()
        let (first, second) = (try address(1), try address(2))
        try await owner.admit(peer, at: [first, second, first])
        try await owner.book.update(peer) { record in
            record.nickname = NodeName("attic")
            record.addresses = [second] + record.addresses
        }
        try await owner.admit(peer, as: .kith, at: [second, first])
        for book in [owner.book, try await owner.reopened()] {
            let record = try #require(book.peers().first)
            #expect(record.addresses == [second, first])
            #expect(record.nickname == NodeName("attic"))
            #expect(record.name == NodeName("peer"))
            #expect(record.tier == .kith)
        }
    }

    @Test("No more than sixteen addresses are kept, the best")
    func manyAddresses() async throws {
        let owner = try await Owner()
        let peer = try id()
        let addresses = try (1...20).map(address)
        try await owner.admit(peer, as: .kith, at: addresses)
        #expect(owner.book.peers().first?.addresses == Array(addresses.prefix(16)))
    }

    @Test("Two books that speak know the same kin, who speaks first does not matter")
    func exchange() async throws {
        let (desk, laptop, phone) = (try await Owner(), try await Owner(), try id())
        let (tablet, lost) = (try id(), try id())
        try await desk.admit(laptop.id)
        try await laptop.admit(desk.id)
        try await desk.admit(phone)
        try await laptop.admit(tablet)
        try await laptop.admit(lost)
        try await meet(desk.book, laptop.book)
        try await desk.book.forget(lost, at: .now())
        try await meet(laptop.book, desk.book)
        for book in [desk.book, laptop.book, try await desk.reopened(), try await laptop.reopened()] {
            #expect(book.standing(of: phone) == .kin)
            #expect(book.standing(of: tablet) == .kin)
            #expect(book.standing(of: lost) == .forgotten)
        }
        #expect(desk.book.lacking(in: laptop.book.question()) == nil)
        #expect(laptop.book.lacking(in: desk.book.question()) == nil)
    }

    @Test("A book whose node was forgotten says so")
    func selfForgotten() async throws {
        let (desk, laptop) = (try await Owner(), try await Owner())
        try await desk.admit(laptop.id)
        try await laptop.admit(desk.id)
        #expect(!laptop.book.isForgotten)
        try await desk.book.forget(laptop.id, at: .now())
        try await meet(laptop.book, desk.book)
        #expect(laptop.book.isForgotten)
    }

    @Test("Each change of trust is told once, with who is kin and who was lost")
    func changes() async throws {
        let owner = try await Owner()
        let changes = Changes(of: owner.book)
        let (first, second) = (try id(), try id())
        try await owner.admit(first)
        try await owner.admit(first)
        #expect(changes.take().map(\.kin) == [[first]])
        try await owner.admit(second, as: .kith)
        #expect(changes.take().map(\.lost) == [[]])
        try await owner.book.update(second) { $0.nickname = NodeName("attic") }
        #expect(changes.take().isEmpty)
        try await owner.admit(first, as: .kith)
        let demoted = changes.take()
        #expect(demoted.map(\.kin) == [[]])
        #expect(demoted.map(\.lost) == [[first]])
        try await owner.admit(second)
        let promoted = changes.take()
        #expect(promoted.map(\.kin) == [[second]])
        #expect(promoted.map(\.lost) == [[]])
        try await owner.book.forget(first, at: .now())
        try await owner.book.forget(second, at: .now())
        try await owner.book.forget(second, at: .now())
        #expect(changes.take().map(\.lost) == [[first], [second]])
    }

    @Test("What a kin tells is told as a change, and nothing when it is known")
    func toldByKin() async throws {
        let (desk, laptop) = (try await Owner(), try await Owner())
        try await desk.admit(laptop.id)
        try await laptop.admit(desk.id)
        let phone = try id()
        try await desk.admit(phone)
        let changes = Changes(of: laptop.book)
        try await meet(laptop.book, desk.book)
        try await meet(laptop.book, desk.book)
        #expect(changes.take().map(\.kin) == [[desk.id, phone]])
        try await desk.book.forget(phone, at: .now())
        try await meet(laptop.book, desk.book)
        #expect(changes.take().map(\.lost) == [[phone]])
    }

    @Test("Of many changes at the same time each loss is told once, and the last that is told is how it stands")
    func concurrent() async throws {
        let owner = try await Owner()
        let peers = try (0..<12).map { _ in try id() }
        for peer in peers { try await owner.admit(peer) }
        let changes = Changes(of: owner.book)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for peer in peers.dropLast(2) { group.addTask { try await owner.book.forget(peer, at: .now()) } }
            try await group.waitForAll()
        }
        let told = changes.take()
        #expect(told.flatMap(\.lost).sorted() == peers.dropLast(2).sorted())
        #expect(told.last?.kin == Set(peers.suffix(2)))
    }

    private func id() throws -> NodeID { try NodeIdentity.temporary().id }

    /// As two nodes do it over the wire.
    private func meet(_ asking: TrustStore, _ asked: TrustStore) async throws {
        let answer = try await asked.exchange(asking.question())
        try await asking.take(answer)
        if let lacking = asking.lacking(in: answer) { try await asking.take(try await asked.exchange(lacking)) }
    }
}
