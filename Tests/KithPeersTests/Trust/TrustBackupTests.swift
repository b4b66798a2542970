// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithPeers
import KithStore
import KithSurfaceTesting
import KithTrust
import SystemPackage
import Testing

@Suite("Who is kin, after the database was lost", .timeLimit(.minutes(1)))
struct TrustBackupTests {
    /// A node whose databases are lost one after another.
    private final class Owner: Sendable {
        let identity: NodeIdentity
        let folder: String

        init(folder: String? = nil) throws {
            identity = try .temporary()
            self.folder =
                folder ?? FileManager.default.temporaryDirectory.appending(path: "kith-kin-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        /// The book in a database that is new, or in a given one.
        func book(in store: Store? = nil) async throws -> TrustStore {
            let backup = KinBackupFile(folder: FilePath(folder)) { Issue.record("\($0)") }
            return try await TrustStore.open(identity: identity, store: try store ?? .inMemory(), backup: backup)
        }
    }

    private func id() throws -> NodeID { try NodeIdentity.temporary().id }

    private func address(_ port: Int) throws -> PeerAddress { try #require(PeerAddress(host: "127.0.0.1", port: port)) }

    @Test("Kin are kin again, where they were last; the forgotten stay forgotten, and kith are lost")
    func restored() async throws {
        let owner = try Owner()
        let (kin, moved, forgotten, kith) = (try id(), try id(), try id(), try id())
        let book = try await owner.book()
        try await book.admit(kin, as: .kin, name: NodeName("desk"), addresses: [try address(1)], at: .now())
        try await book.admit(moved, as: .kin, name: nil, addresses: [], at: .now())
        try await book.admit(forgotten, as: .kin, name: nil, addresses: [], at: .now())
        try await book.admit(kith, as: .kith, name: nil, addresses: [try address(2)], at: .now())
        try await book.forget(forgotten, at: .now())
        let new = try address(3)
        try await book.update(moved) { $0.addresses = [new] }

        let store = try Store.inMemory()
        let restored = try await owner.book(in: store)
        #expect(restored.kin == [kin, moved])
        #expect(restored.standing(of: forgotten) == .forgotten)
        #expect(restored.standing(of: kith) == .stranger)
        #expect(restored.peers().first { $0.id == kin }?.name == NodeName("desk"))
        #expect(restored.peers().first { $0.id == moved }?.addresses == [new])
        #expect(try await store.trustOperations().count == 4)
        #expect(try await TrustStore.open(identity: owner.identity, store: store).kin == [kin, moved])
    }

    @Test("What kin have said is kept too")
    func heard() async throws {
        let (desk, laptop, phone) = (try Owner(), try Owner(), try id())
        let (first, second) = (try await desk.book(), try await laptop.book())
        try await first.admit(laptop.identity.id, as: .kin, name: nil, addresses: [], at: .now())
        try await second.admit(desk.identity.id, as: .kin, name: nil, addresses: [], at: .now())
        try await second.admit(phone, as: .kin, name: nil, addresses: [], at: .now())
        try await first.take(try await second.exchange(first.question()))
        #expect(try await desk.book().kin == [laptop.identity.id, phone])
    }

    @Test("A node that goes on after the loss says nothing new under an old number")
    func numbers() async throws {
        let owner = try Owner()
        try await owner.book().admit(try id(), as: .kin, name: nil, addresses: [], at: .now())
        let store = try Store.inMemory()
        try await owner.book(in: store).admit(try id(), as: .kin, name: nil, addresses: [], at: .now())
        #expect(try await store.trustOperations().map(\.sequence) == [1, 2])
    }

    @Test("A database that knows less than the file, such as an old backup, learns the rest")
    func oldDatabase() async throws {
        let owner = try Owner()
        let store = try Store.inMemory()
        let (first, second) = (try id(), try id())
        try await owner.book(in: store).admit(first, as: .kin, name: nil, addresses: [], at: .now())
        try await owner.book().admit(second, as: .kin, name: nil, addresses: [], at: .now())
        #expect(try await owner.book(in: store).kin == [first, second])
    }

    @Test("The file of another identity in the same folder is of no use, and is replaced")
    func otherIdentity() async throws {
        let former = try Owner()
        try await former.book().admit(try id(), as: .kin, name: nil, addresses: [], at: .now())
        let owner = try Owner(folder: former.folder)
        let store = try Store.inMemory()
        #expect(try await owner.book(in: store).kin == [])
        #expect(try await store.trustOperations() == [])
        #expect(try await former.book().kin == [])
    }

    @Test("A book that was never backed up is from its next start on")
    func firstBackup() async throws {
        let owner = try Owner()
        let store = try Store.inMemory()
        let kin = try id()
        try await TrustStore.open(identity: owner.identity, store: store).admit(
            kin, as: .kin, name: nil, addresses: [], at: .now())
        _ = try await owner.book(in: store)
        #expect(try await owner.book().kin == [kin])
    }
}
