// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithModel
import KithNode
import KithStore
import KithTrust
import SystemPackage
import Testing

@Suite("New identities for stopped nodes")
struct RekeyingTests {
    private let now = WallTime(milliseconds: 1_790_000_000_000)

    private func inFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kith-rekey-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    @Test("The node is another one then, trusts nobody, and keeps the old key aside")
    func renewed() async throws {
        try await inFolder { folder in
            let identityFolder = FilePath(folder).appending("state/identity")
            let old = try NodeIdentity.open(folder: identityFolder, expected: nil, now: now).id
            let store = try Store(path: folder + "/state/kith.sqlite")
            try store.setIdentityID(old)
            try await store.save(PeerRecord(id: old, tier: .kin, addresses: [PeerAddress("a:1")].compactMap(\.self)))
            try await store.append([SignedOperation(author: old, sequence: 1, bytes: [1])])
            try await store.close()

            let made = try await Node.rekey(dataDirectory: folder, now: now)

            #expect(made.id != old)
            let kept = try #require(made.kept)
            #expect(FileManager.default.fileExists(atPath: kept + "/key.pem"))
            let after = try Store(path: folder + "/state/kith.sqlite")
            #expect(try after.identityID() == made.id)
            #expect(try await after.peerRecords() == [])
            #expect(try await after.trustOperations() == [])
            try await after.close()
            #expect(try NodeIdentity.open(folder: identityFolder, expected: made.id, now: now).id == made.id)
        }
    }

    @Test("A lost key is made anew")
    func lost() async throws {
        try await inFolder { folder in
            let store = try Store(path: folder + "/state/kith.sqlite")
            try store.setIdentityID(try #require(NodeID(digest: [UInt8](repeating: 1, count: 32))))
            try await store.close()
            let made = try await Node.rekey(dataDirectory: folder, now: now)
            #expect(made.kept == nil)
        }
    }

    @Test("Where no node is, none is made")
    func nobody() async throws {
        try await inFolder { folder in
            await #expect(throws: NodeStartError.self) { _ = try await Node.rekey(dataDirectory: folder, now: now) }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(files == [])
        }
    }
}
