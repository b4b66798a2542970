// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import KithTesting
import Testing

@Suite("The log of the shared state in the store")
struct LogTests {
    private let own = Replica(test: 1)
    private let other = Replica(test: 2, epoch: .max)

    @Test("Before the first start there is nothing", arguments: StoreKind.allCases)
    func empty(kind: StoreKind) async throws {
        try await kind.withStore { store async throws in #expect(try await store.logSnapshot() == LogSnapshot()) }
    }

    @Test("What was committed comes back, by replica and sequence", arguments: StoreKind.allCases)
    func roundTrip(kind: StoreKind) async throws {
        let own = own
        let other = other
        try await kind.withStore { store in
            let first = own.operation(1)
            let third = own.operation(3, .insight("i1"), seen: [other: 2, own: 1])
            let theirs = other.operation(2, .level(.named("editor")), value: nil)
            let versions = VersionVector([own: 3, other: 2])
            let floor = VersionVector([other: 1])
            try await store.commit(
                LogTransition(inserted: [theirs, third, first], versions: versions, floor: floor, own: own))
            #expect(
                try await store.logSnapshot()
                    == LogSnapshot(own: own, operations: [first, third, theirs], versions: versions, floor: floor))
        }
    }

    @Test("Whatever operations there are come back as they were", arguments: [UInt64.random(in: .min ... .max)])
    func randomRoundTrips(seed: UInt64) async throws {
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let replicas = (0..<40).map { Replica(test: $0, epoch: UInt64.random(in: .min ... .max, using: &generator)) }
        var operations: [Operation] = []
        for replica in replicas.sorted() {
            for sequence in 1...5 {
                operations.append(.random(UInt64(sequence), of: replica, among: replicas, using: &generator))
            }
        }
        let folder = try TemporaryFolder()
        let store = try Store(path: folder.path())
        try await store.commit(LogTransition(inserted: operations.shuffled(using: &generator)))
        try await store.close()
        let reopened = try Store(path: folder.path())
        #expect(try await reopened.logSnapshot().operations == operations)
        try await reopened.close()
    }

    @Test(
        "Removed operations are gone; versions are as they were given last, and the floor never falls",
        arguments: StoreKind.allCases)
    func removal(kind: StoreKind) async throws {
        let own = own
        try await kind.withStore { store in
            let operations = (1...3).map { own.operation($0) }
            try await store.commit(
                LogTransition(
                    inserted: operations, versions: VersionVector([own: 3]), floor: VersionVector([own: 2]), own: own))
            try await store.commit(
                LogTransition(
                    removed: [operations[0].id, operations[1].id], versions: VersionVector([own: 2]),
                    floor: VersionVector([own: 1])))
            #expect(
                try await store.logSnapshot()
                    == LogSnapshot(
                        own: own, operations: [operations[2]], versions: VersionVector([own: 2]),
                        floor: VersionVector([own: 2])))
        }
    }

    @Test("A new log of this node's own takes the place of the former one", arguments: StoreKind.allCases)
    func newOwn(kind: StoreKind) async throws {
        let own = own
        try await kind.withStore { store in
            let next = Replica(node: own.node, epoch: 2)
            try await store.commit(LogTransition(inserted: [own.operation(1)], own: own))
            try await store.commit(LogTransition(own: next))
            let snapshot = try await store.logSnapshot()
            #expect(snapshot.own == next)
            #expect(snapshot.operations == [own.operation(1)])
        }
    }

    @Test("An operation that is there stays as it is", arguments: StoreKind.allCases)
    func repeated(kind: StoreKind) async throws {
        let own = own
        try await kind.withStore { store in
            try await store.commit(LogTransition(inserted: [own.operation(1)]))
            try await store.commit(LogTransition(inserted: [own.operation(1), own.operation(2)]))
            #expect(try await store.logSnapshot().operations == [own.operation(1), own.operation(2)])
        }
    }

    enum Refused: CaseIterable, Sendable {
        case emptyValue, longValue, manySeen, sequence, version

        func transition(of own: Replica) -> LogTransition {
            let fine = own.operation(1)
            switch self {
            case .emptyValue: return LogTransition(inserted: [fine, own.operation(2, value: [])])
            case .longValue:
                let value = [UInt8](repeating: 0x20, count: Operation.valueLimit + 1)
                return LogTransition(inserted: [fine, own.operation(2, value: value)])
            case .manySeen:
                let seen = (0...Operation.seenLimit).map { (Replica(test: 9, epoch: UInt64($0)), UInt64(1)) }
                return LogTransition(
                    inserted: [fine, own.operation(2, seen: Dictionary(uniqueKeysWithValues: seen))])
            case .sequence: return LogTransition(inserted: [fine, own.operation(.max)])
            case .version: return LogTransition(inserted: [fine], versions: VersionVector([own: .max]))
            }
        }
    }

    @Test("A step that breaks a rule is refused whole", arguments: StoreKind.allCases, Refused.allCases)
    func refused(kind: StoreKind, refused: Refused) async throws {
        let transition = refused.transition(of: own)
        try await kind.withStore { store async throws in
            let error = await #expect(throws: StoreError.self) {
                try await store.commit(transition, deliveries: [.test(1)])
            }
            #expect(error?.code == .refused)
            #expect(try await store.logSnapshot() == LogSnapshot())
            #expect(try await store.isDelivered(.test(1)) == false)
        }
    }

    @Test("As many as may have been seen fit, with the greatest numbers")
    func greatestSeen() async throws {
        let store = try Store.inMemory()
        let seen = (0..<Operation.seenLimit).map { (Replica(test: 9, epoch: UInt64($0)), UInt64(Int64.max)) }
        let operation = own.operation(1, seen: Dictionary(uniqueKeysWithValues: seen))
        try await store.commit(LogTransition(inserted: [operation]))
        #expect(try await store.logSnapshot().operations == [operation])
    }

    @Test("No more replicas are known than may be")
    func replicaLimit() async throws {
        let store = try Store.inMemory()
        let most = (0..<StoreLimits.replicas).map { (Replica(test: 9, epoch: UInt64($0)), UInt64(1)) }
        try await store.commit(LogTransition(versions: VersionVector(Dictionary(uniqueKeysWithValues: most))))
        let transition = LogTransition(inserted: [own.operation(1)])
        let error = await #expect(throws: StoreError.self) { try await store.commit(transition) }
        #expect(error?.code == .limitReached)
    }

    @Test("A delivery is known from the commit that counted it on", arguments: StoreKind.allCases)
    func deliveries(kind: StoreKind) async throws {
        try await kind.withStore { store in
            #expect(try await store.isDelivered(.test(1)) == false)
            try await store.commit(LogTransition(), deliveries: [.test(1), .test(1)])
            try await store.commit(LogTransition(), deliveries: [.test(1)])
            #expect(try await store.isDelivered(.test(1)))
        }
    }

    @Test("Of the deliveries the newest are remembered")
    func deliveryLimit() async throws {
        let store = try Store.inMemory(limits: StoreLimits(deliveries: 3))
        for number in 0..<5 { try await store.commit(LogTransition(), deliveries: [.test(number)]) }
        var known: [Int] = []
        for number in 0..<5 where try await store.isDelivered(.test(number)) { known.append(number) }
        #expect(known == [2, 3, 4])
    }
}
