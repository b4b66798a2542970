// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import Testing

@Suite("Responses that are kept")
struct ResponseTests {
    private func response(
        _ number: Int, owner: String = "", at time: WallTime = .start, bytes: Int = 4, outputs: [String] = []
    ) -> StoredResponse {
        StoredResponse(
            id: "resp_\(number)", owner: owner, createdAt: time, items: [UInt8](repeating: 0x5B, count: bytes),
            body: [0x7B, 0x7D], outputs: outputs)
    }

    @Test("A response comes back as it was, for who made it and for nobody else", arguments: StoreKind.allCases)
    func owners(kind: StoreKind) async throws {
        let (mine, theirs) = (response(1, owner: "key", outputs: ["a", "b"]), response(2))
        try await kind.withStore { store in
            _ = try await store.keep(mine)
            _ = try await store.keep(theirs)
            #expect(try await store.response("resp_1", owner: "key", at: .start) == mine)
            #expect(try await store.response("resp_2", owner: "", at: .start) == theirs)
            #expect(try await store.response("resp_1", owner: "", at: .start) == nil)
            #expect(try await store.response("resp_2", owner: "key", at: .start) == nil)
            #expect(try await store.removeResponse("resp_1", owner: "") == false)
            #expect(try await store.removeResponse("resp_1", owner: "key"))
            #expect(try await store.removeResponse("resp_1", owner: "key") == false)
            #expect(try await store.response("resp_1", owner: "key", at: .start) == nil)
            #expect(try await store.response(holding: "a", owner: "key", at: .start) == nil)
        }
    }

    @Test("An item leads to the last response of its owner that holds it", arguments: StoreKind.allCases)
    func items(kind: StoreKind) async throws {
        let responses = [
            response(1, outputs: ["a"]), response(2, outputs: ["a", "b"]), response(3, owner: "k", outputs: ["a"]),
        ]
        try await kind.withStore { store in
            for response in responses { _ = try await store.keep(response) }
            #expect(try await store.response(holding: "a", owner: "", at: .start)?.id == "resp_2")
            #expect(try await store.response(holding: "a", owner: "k", at: .start)?.id == "resp_3")
            #expect(try await store.response(holding: "c", owner: "", at: .start) == nil)
        }
    }

    @Test("One too many drops the oldest, and so does a byte too many", arguments: StoreKind.allCases)
    func limits(kind: StoreKind) async throws {
        let responses = (1...5).map { response($0) }
        let large = response(9, bytes: 19)
        try await kind.withStore(limits: StoreLimits(responses: 3, responseBytes: 21)) { store in
            for response in responses { _ = try await store.keep(response) }
            #expect(try await store.responseCount() == 3)
            #expect(try await store.response("resp_3", owner: "", at: .start) != nil)
            #expect(try await store.keep(large))
            #expect(try await store.responseCount() == 1)
        }
        try await kind.withStore(limits: StoreLimits(responseBytes: 20)) { store in
            let isKept = try await store.keep(large)
            #expect(!isKept)
        }
    }

    @Test("Who keeps the most gives way: nobody pushes out what another keeps", arguments: StoreKind.allCases)
    func fairness(kind: StoreKind) async throws {
        let mine = response(1, owner: "mine")
        let others = (2...5).map { response($0) }
        try await kind.withStore(limits: StoreLimits(responses: 3)) { store in
            _ = try await store.keep(mine)
            for other in others { _ = try await store.keep(other) }
            #expect(try await store.responseCount() == 3)
            #expect(try await store.response("resp_1", owner: "mine", at: .start) != nil)
            #expect(try await store.response("resp_5", owner: "", at: .start) != nil)
        }
    }

    @Test("The largest fits to the byte, and a larger one is not kept", arguments: StoreKind.allCases)
    func largest(kind: StoreKind) async throws {
        let largest = response(1, bytes: StoreLimits.largestResponse - 2)
        let larger = response(2, bytes: StoreLimits.largestResponse - 1)
        try await kind.withStore { store in
            let isKept = try await store.keep(largest)
            #expect(isKept)
            #expect(try await store.keep(larger) == false)
            #expect(try await store.responseCount() == 1)
        }
    }

    @Test("After thirty days a response is as good as gone, and the next one drops it", arguments: StoreKind.allCases)
    func age(kind: StoreKind) async throws {
        let (old, last) = (response(1, outputs: ["a"]), WallTime.start + StoreLimits.responseAge)
        let late = last + .milliseconds(1)
        let next = response(2, at: late)
        try await kind.withStore { store in
            _ = try await store.keep(old)
            #expect(try await store.response("resp_1", owner: "", at: last) != nil)
            #expect(try await store.response("resp_1", owner: "", at: late) == nil)
            #expect(try await store.response(holding: "a", owner: "", at: late) == nil)
            _ = try await store.keep(next)
            #expect(try await store.responseCount() == 1)
        }
    }

    @Test("Limits out of range are held to it, and the standard ones are the documented ones")
    func heldLimits() {
        #expect(StoreLimits(responses: 0, responseBytes: -1).responses == 1)
        #expect(StoreLimits(responses: 0, responseBytes: -1).responseBytes == 1)
        #expect(StoreLimits.standard.responses == 1_000)
        #expect(StoreLimits.standard.responseBytes == 33_554_432)
    }

    @Test("Reopened, the store has them still")
    func reopening() async throws {
        let folder = try TemporaryFolder()
        let store = try Store(path: folder.path())
        let kept = response(1, outputs: ["a"])
        _ = try await store.keep(kept)
        try await store.close()
        let reopened = try Store(path: folder.path())
        #expect(try await reopened.response("resp_1", owner: "", at: .start) == kept)
        try await reopened.close()
    }
}
