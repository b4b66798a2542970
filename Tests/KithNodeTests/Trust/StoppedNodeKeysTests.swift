// SPDX-License-Identifier: Apache-2.0

import Foundation
import KithDialects
import KithModel
import KithNode
import KithStore
import Testing

@Suite("Keys of nodes that do not run")
struct StoppedNodeKeysTests {
    private let now = WallTime(milliseconds: 1_790_000_000_000)

    private func inFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kith-keys-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    @Test("A key can be made before the first start, is listed without its secret, and ends when it is revoked")
    func life() async throws {
        try await inFolder { folder in
            let wanted = ControlMessage.KeyRequest(name: "phone", scopes: [.chat], expiresSeconds: 60)
            let made = try await Node.createKey(wanted, dataDirectory: folder, now: now)
            #expect(made.key.hasPrefix("kith_"))
            let listed = try await Node.keys(dataDirectory: folder, now: now).keys
            #expect(listed.map(\.id) == [made.details.id])
            #expect(listed.map(\.state) == [.usable])
            let later = now.advanced(by: .seconds(61))
            #expect(try await Node.keys(dataDirectory: folder, now: later).keys.map(\.state) == [.expired])
            let revoked = try await Node.revokeKey(made.details.id, dataDirectory: folder, now: now)
            #expect(revoked?.state == .revoked)
            let store = try Store(path: folder + "/state/kith.sqlite")
            #expect(try await store.audit(limit: 9).map(\.kind) == [.keyRevoked, .keyCreated])
            try await store.close()
        }
    }

    @Test("Looking for keys where no node is makes none")
    func nobody() async throws {
        try await inFolder { folder in
            let keys = try await Node.keys(dataDirectory: folder, now: now).keys
            let revoked = try await Node.revokeKey("abc", dataDirectory: folder, now: now)
            #expect(keys.isEmpty && revoked == nil)
            #expect(!FileManager.default.fileExists(atPath: folder))
        }
    }
}
