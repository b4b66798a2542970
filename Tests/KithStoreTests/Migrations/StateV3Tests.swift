// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel
import Testing

@testable import KithStore

@Suite("Version 3 of the schema")
struct StateV3Tests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("A database of version 2 keeps all it holds and takes what version 3 adds")
    func upgrade() async throws {
        try makeVersion2()
        let store = try Store(path: folder.path())
        #expect(try await store.texts(SessionID(test: "old")) == ["question", "answer"])
        #expect(try store.identityID() == NodeID(test: 0))
        #expect(
            try await store.trustOperations() == [
                SignedOperation(author: NodeID(test: 0), sequence: 1, bytes: [0xAB])
            ])
        #expect(try await store.peerRecords().map(\.addresses) == [[PeerAddress("host:1")].compactMap { $0 }])
        #expect(try await store.audit(limit: 9).map(\.reason) == ["because"])
        #expect(try await store.logSnapshot() == LogSnapshot())
        let operation = Replica(test: 1).operation(1)
        try await store.commit(LogTransition(inserted: [operation]))
        try await store.close()

        let reopened = try Store(path: folder.path())
        #expect(try await reopened.logSnapshot().operations == [operation])
        #expect(try await reopened.texts(SessionID(test: "old")) == ["question", "answer"])
        try await reopened.close()
    }

    /// As the second release left it.
    private func makeVersion2() throws {
        let queue = try DatabaseQueue(path: folder.path())
        try StoreSchema.migrator().migrate(queue, upTo: "v2")
        try queue.write { db in
            try db.execute(
                sql: """
                    INSERT INTO session VALUES (1, 'old', 0, 0, 1, 1);
                    INSERT INTO turn (session_id, role, text, at) VALUES (1, 'user', 'question', 0);
                    INSERT INTO turn (session_id, role, text, at, outcome)
                        VALUES (1, 'assistant', 'answer', 0, 'completed');
                    UPDATE tally SET turn_count = 1, completed = 1;
                    INSERT INTO identity VALUES (1, zeroblob(32));
                    INSERT INTO trust_operation VALUES (zeroblob(32), 1, x'AB');
                    INSERT INTO peer (id, tier) VALUES (zeroblob(32), 'kin');
                    INSERT INTO peer_address VALUES (zeroblob(32), 0, 'host:1');
                    INSERT INTO audit (at, kind, reason, count) VALUES (0, 'key.created', 'because', 1);
                    """)
        }
        try queue.close()
    }

    @Test(
        "A row that breaks a rule is refused by the database itself",
        arguments: [
            "INSERT INTO replica (node, epoch) VALUES (zeroblob(31), 1)",
            "INSERT INTO replica (node, epoch, version) VALUES (zeroblob(32), 1, -1)",
            "INSERT INTO replica (node, epoch, floor) VALUES (zeroblob(32), 1, -1)",
            "INSERT INTO replica (node, epoch, own) VALUES (zeroblob(32), 1, 0)",
            "INSERT INTO replica (node, epoch, own) VALUES (zeroblob(32), 8, 1), (zeroblob(32), 9, 1)",
            "INSERT INTO replica (node, epoch) VALUES (zeroblob(32), 8), (zeroblob(32), 8)",
            "INSERT INTO operation VALUES (9, 1, 0, 1, 'n', 's', NULL, NULL)",
            "\(replica) INSERT INTO operation VALUES (7, 0, 0, 1, 'n', 's', NULL, NULL)",
            "\(replica) INSERT INTO operation VALUES (7, 1, 0, 0, 'n', 's', NULL, NULL)",
            "\(replica) INSERT INTO operation VALUES (7, 1, 0, 1, '', 's', NULL, NULL)",
            "\(replica) INSERT INTO operation VALUES (7, 1, 0, 1, 'n', printf('%.129c', 'x'), NULL, NULL)",
            "\(replica) INSERT INTO operation VALUES (7, 1, 0, 1, 'n', 's', zeroblob(65537), NULL)",
            "\(replica) INSERT INTO operation VALUES (7, 1, 0, 1, 'n', 's', x'', NULL)",
            "\(replica) INSERT INTO operation VALUES (7, 1, 0, 1, 'n', 's', NULL, zeroblob(5121))",
            "INSERT INTO delivery (key) VALUES ('')",
            "INSERT INTO delivery (key) VALUES ('a'), ('a')",
            "INSERT INTO queued_write (upstream, delivery_key, body, queued_at) VALUES ('', 'k', x'00', 0)",
            "INSERT INTO queued_write (upstream, delivery_key, body, queued_at) VALUES ('u', 'k', zeroblob(262145), 0)",
            "INSERT INTO queued_write (upstream, delivery_key, body, queued_at) VALUES ('u', '', x'00', 0)",
        ])
    func refusedRows(sql: String) async throws {
        try await Store(path: folder.path()).close()
        let error = #expect(throws: DatabaseError.self) { try DatabaseFile(folder.path()).execute(sql) }
        #expect(error?.resultCode == .SQLITE_CONSTRAINT, "\(String(describing: error))")
    }

    private static let replica = "INSERT INTO replica (id, node, epoch) VALUES (7, zeroblob(32), 7);"

    @Test(
        "A row of the log that makes no sense is damage when it is read",
        arguments: [
            "UPDATE operation SET kind = 200",
            "UPDATE operation SET name = 'two' || char(10) || 'lines'",
            "UPDATE operation SET source = char(7)",
            "UPDATE operation SET seen = x'FFFFFF'",
            "UPDATE operation SET seen = x'6301'",
            "UPDATE operation SET sequence = -1",
            "UPDATE operation SET value = zeroblob(65537)",
            "UPDATE operation SET value = x''",
            "UPDATE replica SET version = -1",
            "UPDATE replica SET node = zeroblob(3)",
            "DELETE FROM replica",
        ])
    func damagedRows(sql: String) async throws {
        let store = try Store(path: folder.path())
        try await store.commit(LogTransition(inserted: [Replica(test: 1).operation(1)]))
        try await store.close()
        try DatabaseFile(folder.path()).executeUnchecked(sql)
        let error = await #expect(throws: StoreError.self) {
            // What breaks a rule of the schema is found by the opening, what only the program can judge by the reading.
            let reopened = try Store(path: folder.path())
            _ = try await reopened.logSnapshot()
        }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains(folder.path()) == true)
    }
}
