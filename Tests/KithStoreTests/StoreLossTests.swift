// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithStore
import Testing

struct StoreLossTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func key(_ number: UInt8) -> ClientKeyRecord {
        ClientKeyRecord(
            id: "k\(number)", name: "phone", scopes: [.chat], digest: [UInt8](repeating: number, count: 32),
            createdAt: .start)
    }

    private func open() throws -> Store { try Store(path: folder.path()) }

    /// Leaves the files as a process does that is killed, and puts them back after the store was closed.
    private func killed(_ store: Store, without lost: [String]) async throws {
        let names = ["kith.sqlite", "kith.sqlite-wal", "kith.anchor"]
        let kept = names.map { FileManager.default.contents(atPath: folder.path($0)) }
        try await store.close()
        for (name, contents) in zip(names, kept) {
            try? FileManager.default.removeItem(atPath: folder.path(name))
            if let contents, !lost.contains(name) { try contents.write(to: URL(filePath: folder.path(name))) }
        }
    }

    @Test func `A key that was revoked stays revoked when the journal is lost, and the loss is told`() async throws {
        let before = try open()
        try await before.insert(key(1))
        try await before.close()
        let store = try open()
        #expect(store.loss == nil)
        try await store.revokeKey("k1", at: .start + .seconds(5))
        try await killed(store, without: ["kith.sqlite-wal"])

        let again = try open()
        #expect(again.loss == .journal)
        #expect(try await again.clientKeys().map(\.revokedAt) == [.start + .seconds(5)])
        try await again.close()
        let third = try open()
        #expect(third.loss == nil)
        #expect(try await third.clientKeys().allSatisfy { $0.revokedAt != nil })
        try await third.close()
    }

    @Test func `A journal that was cut to nothing is a lost journal`() async throws {
        let store = try open()
        try await store.insert(key(1))
        try await killed(store, without: [])
        try Data().write(to: URL(filePath: folder.path("kith.sqlite-wal")))
        let again = try open()
        #expect(again.loss == .journal)
        try await again.close()
    }

    @Test func `An older copy of the database is told, and what was revoked since stays revoked`() async throws {
        let store = try open()
        try await store.insert(key(1))
        try await store.insert(key(2))
        try await store.close()
        let copy = try #require(FileManager.default.contents(atPath: folder.path()))
        let later = try open()
        try await later.revokeKey("k2", at: .start + .seconds(9))
        try await later.close()
        try copy.write(to: URL(filePath: folder.path()))

        let restored = try open()
        #expect(restored.loss == .changes)
        let keys = try await restored.clientKeys()
        #expect(keys.map(\.revokedAt) == [nil, .start + .seconds(9)])
        try await restored.close()
    }

    @Test func `A database that is gone is told, and one that never was is not`() async throws {
        let store = try open()
        #expect(store.loss == nil)
        try await store.insert(key(1))
        try await killed(store, without: ["kith.sqlite", "kith.sqlite-wal"])
        let again = try open()
        #expect(again.loss == .database)
        try await again.close()
    }

    @Test func `A process that was killed has lost nothing, and nothing is told`() async throws {
        for number in UInt8(1)...3 {
            let store = try open()
            #expect(store.loss == nil)
            try await store.insert(key(number))
            try await killed(store, without: [])
        }
        let last = try open()
        #expect(last.loss == nil)
        #expect(try await last.clientKeys().count == 3)
        try await last.close()
    }

    @Test
    func `A database of a kith that wrote no anchor is taken as it is, and a loss of the anchor is told`() async throws
    {
        let store = try open()
        try await store.insert(key(1))
        try await killed(store, without: ["kith.anchor"])
        let again = try open()
        #expect(again.loss == .anchor)
        try await again.close()
        try DatabaseFile(folder.path()).execute("PRAGMA user_version = 0")
        try FileManager.default.removeItem(atPath: folder.path("kith.anchor"))
        let old = try open()
        #expect(old.loss == nil)
        try await old.close()
    }

    @Test func `An anchor that is damaged stops the start, and says what to do`() async throws {
        let store = try open()
        try await store.insert(key(1))
        try await store.close()
        try Data("kith anchor 1\nsequence x\n".utf8).write(to: URL(filePath: folder.path("kith.anchor")))
        let error = #expect(throws: StoreError.self) { try open() }
        #expect(error?.message.contains("kith key list") == true)
    }

    @Test func `An anchor is read as it was written, and remembers a bounded number of keys`() {
        var anchor = StoreAnchor()
        anchor.sequence = 7
        anchor.isOpen = true
        for number in 0..<StoreAnchor.revokedLimit + 3 {
            anchor.revoke("k\(number)", at: .start + .seconds(Int64(number)))
        }
        #expect(anchor.revoked.count == StoreAnchor.revokedLimit)
        #expect(anchor.revoked["k2"] == nil && anchor.revoked["k3"] != nil)
        #expect(StoreAnchor(anchor.encoded) == anchor)
        for bytes in [[], Array("kith anchor 1".utf8), Array("kith anchor 2\nsequence 1\nopen\n".utf8)] {
            #expect(StoreAnchor(bytes) == nil)
        }
    }
}
