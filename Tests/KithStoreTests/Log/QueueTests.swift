// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import Testing

@Suite("Writes that wait for their upstream")
struct QueueTests {
    private func write(_ number: Int, to upstream: String = "http://cell:8000", bytes: Int = 3) -> QueuedWrite {
        QueuedWrite(
            upstream: upstream, deliveryKey: .test(number), body: [UInt8](repeating: UInt8(number), count: bytes),
            queuedAt: .start)
    }

    @Test("They come back in the order in which they came, each upstream's own", arguments: StoreKind.allCases)
    func order(kind: StoreKind) async throws {
        let writes = (0..<4).map { write($0, to: $0 == 2 ? "http://other" : "http://cell") }
        try await kind.withStore { store in
            var queued: [QueuedWrite] = []
            for write in writes {
                var placed = write
                placed.id = try await store.enqueue(write, limit: 10)
                queued.append(placed)
            }
            #expect(try await store.queuedWrites(for: "http://cell", limit: 10) == [queued[0], queued[1], queued[3]])
            #expect(try await store.queuedWrites(for: "http://cell", limit: 2) == [queued[0], queued[1]])
            #expect(try await store.queuedWrites(for: "http://cell", limit: -1) == [])
            #expect(try await store.queuedWriteCount() == 4)
        }
    }

    @Test("A removed one is gone, and its place is not given again", arguments: StoreKind.allCases)
    func removal(kind: StoreKind) async throws {
        let (first, second) = (write(1), write(2))
        try await kind.withStore { store in
            let place = try await store.enqueue(first, limit: 10)
            try await store.removeQueuedWrite(place)
            try await store.removeQueuedWrite(place)
            #expect(try await store.queuedWriteCount() == 0)
            #expect(try await store.enqueue(second, limit: 10) > place)
        }
    }

    @Test("A write that waits already waits once", arguments: StoreKind.allCases)
    func repeated(kind: StoreKind) async throws {
        let (write, elsewhere) = (write(1), write(1, to: "http://other"))
        try await kind.withStore { store in
            let place = try await store.enqueue(write, limit: 2)
            #expect(try await store.enqueue(write, limit: 1) == place)
            try await store.enqueue(elsewhere, limit: 2)
            #expect(try await store.queuedWriteCount() == 2)
        }
    }

    @Test("Beyond the limit none is taken, and it says why", arguments: StoreKind.allCases)
    func limit(kind: StoreKind) async throws {
        let (first, second) = (write(1), write(2))
        try await kind.withStore { store in
            try await store.enqueue(first, limit: 1)
            let error = await #expect(throws: StoreError.self) { try await store.enqueue(second, limit: 1) }
            #expect(error?.code == .limitReached)
            #expect(error?.message.contains("wait until they can be sent on") == true)
            #expect(try await store.queuedWriteCount() == 1)
        }
    }

    @Test("One that is empty or too long is refused", arguments: [0, QueuedWrite.bodyLimit + 1])
    func size(bytes: Int) async throws {
        let store = try Store.inMemory()
        let write = write(1, bytes: bytes)
        let error = await #expect(throws: StoreError.self) { try await store.enqueue(write, limit: 1) }
        #expect(error?.code == .refused)
    }

    @Test("Reopened, the queue is as it was")
    func reopening() async throws {
        let folder = try TemporaryFolder()
        let store = try Store(path: folder.path())
        try await store.enqueue(write(1, bytes: QueuedWrite.bodyLimit), limit: 10)
        let before = try await store.queuedWrites(for: "http://cell:8000", limit: 10)
        try await store.close()
        let reopened = try Store(path: folder.path())
        #expect(before.count == 1)
        #expect(try await reopened.queuedWrites(for: "http://cell:8000", limit: 10) == before)
        try await reopened.close()
    }
}
