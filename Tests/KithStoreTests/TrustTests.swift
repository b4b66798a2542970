// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import Testing

@Suite("What the store keeps of trust")
struct TrustTests {
    private let author = NodeID(test: 1)

    private func operation(_ sequence: UInt64, _ bytes: [UInt8] = [1, 2, 3]) -> SignedOperation {
        SignedOperation(author: author, sequence: sequence, bytes: bytes)
    }

    @Test("The node's own id is nobody's at first, then the one that was set last", arguments: StoreKind.allCases)
    func identity(kind: StoreKind) async throws {
        try await kind.withStore { store in
            #expect(try store.identityID() == nil)
            try store.setIdentityID(NodeID(test: 1))
            try store.setIdentityID(NodeID(test: 2))
            #expect(try store.identityID() == NodeID(test: 2))
        }
    }

    @Test("Statements come back by author and sequence", arguments: StoreKind.allCases)
    func operations(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let other = SignedOperation(author: NodeID(test: 0), sequence: 7, bytes: [9])
            try await store.append([operation(2), operation(1), other])
            #expect(try await store.trustOperations() == [other, operation(1), operation(2)])
        }
    }

    @Test("Kept again, a statement takes its own place, whatever its bytes", arguments: StoreKind.allCases)
    func idempotence(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.append([operation(1)])
            try await store.append([operation(1), operation(2)])
            #expect(try await store.trustOperations() == [operation(1), operation(2)])
            try await store.append([operation(1, [9])])
            #expect(try await store.trustOperations() == [operation(1, [9]), operation(2)])
        }
    }

    @Test("Of statements with one that cannot be kept none is", arguments: [[], [UInt8](repeating: 0, count: 65_537)])
    func allOrNone(bytes: [UInt8]) async throws {
        let store = try Store.inMemory()
        let error = await #expect(throws: StoreError.self) {
            try await store.append([operation(1), operation(2, bytes)])
        }
        #expect(error?.code == .refused)
        #expect(try await store.trustOperations().isEmpty)
    }

    @Test("A sequence number past what the file holds is refused")
    func hugeSequence() async throws {
        let store = try Store.inMemory()
        let error = await #expect(throws: StoreError.self) { try await store.append([operation(.max)]) }
        #expect(error?.code == .refused)
    }

    @Test("A statement that was kept survives a crash at once")
    func crash() async throws {
        let folder = try TemporaryFolder()
        let store = try Store(path: folder.path())
        try await store.append([operation(1)])
        try DatabaseFile(folder.path()).copy(to: folder.path("crashed.sqlite"))
        let recovered = try Store(path: folder.path("crashed.sqlite"))
        #expect(try await recovered.trustOperations() == [operation(1)])
        try await recovered.close()
        try await store.close()
    }

    @Test("Past their limit no more statements are taken, and those that are there stay")
    func operationLimit() async throws {
        let store = try Store.inMemory(limits: StoreLimits(trustOperations: 2))
        try await store.append([operation(1), operation(2)])
        try await store.append([operation(2)])
        let error = await #expect(throws: StoreError.self) { try await store.append([operation(3)]) }
        #expect(error?.code == .limitReached)
        #expect(try await store.trustOperations().map(\.sequence) == [1, 2])
    }

    @Test("A peer is remembered as it was saved last", arguments: StoreKind.allCases)
    func peers(kind: StoreKind) async throws {
        try await kind.withStore { store in
            var peer = PeerRecord(
                id: NodeID(test: 3), tier: .kith, name: NodeName("laptop"),
                addresses: [try #require(PeerAddress("192.0.2.1:7443")), try #require(PeerAddress("[fe80::1%eth0]:9"))])
            try await store.save(peer)
            #expect(try await store.peerRecords() == [peer])
            peer.tier = .kin
            peer.nickname = NodeName("mine")
            peer.lastSeen = .start
            peer.addresses.reverse()
            let hardware = try #require(HardwareAddress("02:6b:69:74:68:0b"))
            peer.wake = WakeNotes(
                cards: [
                    NetworkCard(
                        hardware: hardware, networks: ["10.0.0.0/24", "fd00::/64"].compactMap { AddressRange($0) }),
                    NetworkCard(hardware: hardware, networks: []),
                ], allowsPrompts: false, times: [.seconds(8), .milliseconds(9_500)], asleepSince: .start,
                models: [1, 0, 2])
            try await store.save(peer)
            #expect(try await store.peerRecords() == [peer])
            try await store.removePeer(peer.id)
            try await store.removePeer(peer.id)
            #expect(try await store.peerRecords().isEmpty)
        }
    }

    @Test("Sixteen different addresses of a peer are remembered, the first ones")
    func addressLimit() async throws {
        let store = try Store.inMemory()
        let addresses = (1...20).compactMap { PeerAddress(host: "host", port: $0) }
        try await store.save(
            PeerRecord(id: author, tier: .kin, addresses: addresses.prefix(3) + addresses))
        #expect(try await store.peerRecords().map(\.addresses) == [Array(addresses.prefix(16))])
    }

    @Test("Past their limit no more peers are taken, and those that are there can be saved again")
    func peerLimit() async throws {
        let store = try Store.inMemory(limits: StoreLimits(peers: 1))
        try await store.save(PeerRecord(id: NodeID(test: 1), tier: .kin))
        try await store.save(PeerRecord(id: NodeID(test: 1), tier: .kith))
        let error = await #expect(throws: StoreError.self) {
            try await store.save(PeerRecord(id: NodeID(test: 2), tier: .kin))
        }
        #expect(error?.code == .limitReached)
        #expect(try await store.peerRecords().map(\.tier) == [.kith])
    }

    @Test("The registry's snapshot is the last one", arguments: StoreKind.allCases)
    func registry(kind: StoreKind) async throws {
        try await kind.withStore { store in
            #expect(try await store.registrySnapshot() == nil)
            try await store.saveRegistrySnapshot([1])
            try await store.saveRegistrySnapshot([])
            #expect(try await store.registrySnapshot() == [])
            let largest = [UInt8](repeating: 7, count: StoreLimits.largestRegistrySnapshot)
            try await store.saveRegistrySnapshot(largest)
            let error = await #expect(throws: StoreError.self) { try await store.saveRegistrySnapshot(largest + [7]) }
            #expect(error?.code == .refused)
            #expect(try await store.registrySnapshot() == largest)
        }
    }
}
