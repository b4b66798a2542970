// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithStore
import Testing

@Suite("A look into the database that changes nothing")
struct StoreInspectionTests {
    private let folder: TemporaryFolder
    private let peer: PeerRecord

    init() throws {
        folder = try TemporaryFolder()
        let id = try #require(NodeID(digest: [UInt8](repeating: 7, count: 32)))
        peer = PeerRecord(id: id, tier: .kith, addresses: [try #require(PeerAddress("192.0.2.1:7443"))])
    }

    @Test("Where there is no database, none is made")
    func none() throws {
        #expect(try StoreInspection(readingFrom: folder.path()) == nil)
        #expect(!FileManager.default.fileExists(atPath: folder.path()))
    }

    @Test("It sees what a running node has written")
    func running() async throws {
        let store = try Store(path: folder.path())
        try store.setIdentityID(peer.id)
        try await store.save(peer)
        let seen = try #require(try StoreInspection(readingFrom: folder.path()))
        #expect(seen.identity == peer.id)
        #expect(seen.peers == [peer])
        #expect(seen.isChecked)
        try await store.close()
    }

    @Test("It sees what a stopped node has written")
    func stopped() async throws {
        let store = try Store(path: folder.path())
        try await store.save(peer)
        try await store.close()
        let seen = try #require(try StoreInspection(readingFrom: folder.path()))
        #expect(seen.peers == [peer])
    }

    @Test("A newer database is refused as a node would refuse it")
    func newer() async throws {
        try await Store(path: folder.path()).close()
        try DatabaseFile(folder.path()).execute("INSERT INTO grdb_migrations VALUES ('v99')")
        expect(.newerDatabase)
    }

    @Test("A damaged page is found, wherever it is")
    func damaged() async throws {
        let store = try Store(path: folder.path())
        try await store.save(peer)
        try await store.close()
        var bytes = try Data(contentsOf: URL(filePath: folder.path()))
        let page = bytes.count / 2 / 4_096 * 4_096
        bytes.replaceSubrange(page..<page + 4_096, with: Data(repeating: 0xA5, count: 4_096))
        try bytes.write(to: URL(filePath: folder.path()))
        expect(.damaged)
    }

    @Test("A file that is no database is damaged")
    func noise() throws {
        try Data(repeating: 0x5A, count: 8_192).write(to: URL(filePath: folder.path()))
        expect(.damaged)
    }

    private func expect(_ code: StoreError.Code) {
        do {
            _ = try StoreInspection(readingFrom: folder.path())
            Issue.record("nothing was found wrong")
        } catch {
            #expect(error.code == code)
        }
    }
}
