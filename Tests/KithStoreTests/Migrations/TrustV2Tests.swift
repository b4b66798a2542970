// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel
import Testing

@testable import KithStore

@Suite("Version 2 of the schema")
struct TrustV2Tests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("A database of version 1 keeps all it holds and takes what version 2 adds")
    func upgrade() async throws {
        try makeVersion1()
        let store = try Store(path: folder.path())
        #expect(try await store.texts(SessionID(test: "old")) == ["question", "answer"])
        let state = try await store.state(at: .start)
        #expect(state.turnCount == 1)
        #expect(state.outcomes == OutcomeCounts(completed: 1))
        #expect(try store.identityID() == nil)
        #expect(try await store.trustOperations().isEmpty)
        let id = NodeID(test: 1)
        try store.setIdentityID(id)
        try await store.save(PeerRecord(id: id, tier: .kith))
        try await store.close()

        let reopened = try Store(path: folder.path())
        #expect(try reopened.identityID() == id)
        #expect(try await reopened.peerRecords().map(\.id) == [id])
        #expect(try await reopened.texts(SessionID(test: "old")) == ["question", "answer"])
        try await reopened.close()
    }

    /// As the first release left it.
    private func makeVersion1() throws {
        let queue = try DatabaseQueue(path: folder.path())
        try StoreSchema.migrator().migrate(queue, upTo: "v1")
        try queue.write { db in
            try db.execute(
                sql: """
                    INSERT INTO session VALUES (1, 'old', 0, 0, 1, 1);
                    INSERT INTO turn (session_id, role, text, at) VALUES (1, 'user', 'question', 0);
                    INSERT INTO turn (session_id, role, text, at, outcome)
                        VALUES (1, 'assistant', 'answer', 0, 'completed');
                    UPDATE tally SET turn_count = 1, completed = 1;
                    """)
        }
        try queue.close()
    }

    @Test(
        "A row that breaks a rule is refused by the database itself",
        arguments: [
            "INSERT INTO identity VALUES (2, zeroblob(32))",
            "INSERT INTO identity VALUES (1, zeroblob(31))",
            "INSERT INTO trust_operation VALUES (zeroblob(33), 1, x'00')",
            "INSERT INTO trust_operation VALUES (zeroblob(32), 0, x'00')",
            "INSERT INTO trust_operation VALUES (zeroblob(32), 1, x'')",
            "INSERT INTO trust_operation VALUES (zeroblob(32), 1, zeroblob(65537))",
            "INSERT INTO peer (id, tier) VALUES (zeroblob(32), 'friend')",
            "INSERT INTO peer (id, tier) VALUES (zeroblob(1), 'kin')",
            "INSERT INTO peer (id, tier, name) VALUES (zeroblob(32), 'kin', '')",
            "INSERT INTO peer (id, tier, nickname) VALUES (zeroblob(32), 'kin', printf('%.65c', 'x'))",
            "INSERT INTO peer_address VALUES (zeroblob(32), 0, 'host:1')",
            "INSERT INTO client_key (id, name, scopes, digest, created_at, expires_at, revoked_at) VALUES ('', 'n', 'chat', zeroblob(32), 0, NULL, NULL)",
            "INSERT INTO client_key (id, name, scopes, digest, created_at, expires_at, revoked_at) VALUES ('k', '', 'chat', zeroblob(32), 0, NULL, NULL)",
            "INSERT INTO client_key (id, name, scopes, digest, created_at, expires_at, revoked_at) VALUES ('k', 'n', '', zeroblob(32), 0, NULL, NULL)",
            "INSERT INTO client_key (id, name, scopes, digest, created_at, expires_at, revoked_at) VALUES ('k', 'n', 'chat', zeroblob(31), 0, NULL, NULL)",
            "INSERT INTO client_key (id, name, scopes, digest, created_at, expires_at, revoked_at) VALUES ('k', 'n', 'chat', zeroblob(32), 5, 5, NULL)",
            "INSERT INTO audit (at, kind, reason, count) VALUES (0, 'x', 'y', 0)",
            "INSERT INTO audit (at, kind, reason, count) VALUES (0, '', 'y', 1)",
            "INSERT INTO audit (at, kind, reason, count) VALUES (0, 'x', printf('%.513c', 'y'), 1)",
            "INSERT INTO registry_snapshot VALUES (2, x'00')",
            "INSERT INTO registry_snapshot VALUES (1, zeroblob(4194305))",
        ])
    func refusedRows(sql: String) async throws {
        try await Store(path: folder.path()).close()
        let error = #expect(throws: DatabaseError.self) { try DatabaseFile(folder.path()).execute(sql) }
        #expect(error?.resultCode == .SQLITE_CONSTRAINT, "\(String(describing: error))")
    }

    @Test("A seventeenth address is refused by the database itself")
    func addressRank() async throws {
        try await Store(path: folder.path()).close()
        let error = #expect(throws: DatabaseError.self) {
            try DatabaseFile(folder.path()).execute(
                """
                INSERT INTO peer (id, tier) VALUES (zeroblob(32), 'kin');
                INSERT INTO peer_address VALUES (zeroblob(32), 16, 'host:1');
                """)
        }
        #expect(error?.resultCode == .SQLITE_CONSTRAINT)
    }
}
