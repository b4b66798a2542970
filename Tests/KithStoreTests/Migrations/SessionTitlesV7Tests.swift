// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel
import Testing

@testable import KithStore

@Suite("Version 7 of the schema")
struct SessionTitlesV7Tests {
    @Test("A database of version 6 keeps its conversations, which then take titles")
    func upgrade() async throws {
        let folder = try TemporaryFolder()
        let queue = try DatabaseQueue(path: folder.path())
        try StoreSchema.migrator().migrate(queue, upTo: "v6")
        try await queue.write { db in
            try db.execute(sql: "INSERT INTO session VALUES (1, 'old', 1, 2, 1, 1)")
        }
        try queue.close()
        let store = try Store(path: folder.path())
        let session = try #require(SessionID("old"))
        #expect(try await store.sessions(limit: 9).map(\.title) == [nil])
        #expect(try await store.renameSession(session, to: "New"))
        #expect(try await store.sessions(limit: 9).map(\.title) == ["New"])
        try await store.close()
    }

    @Test("A title that is empty or too long is refused by the database itself", arguments: [0, 257])
    func rules(length: Int) throws {
        let queue = try DatabaseQueue()
        try StoreSchema.migrator().migrate(queue)
        #expect(throws: DatabaseError.self) {
            try queue.write { db in
                try db.execute(
                    sql: """
                        INSERT INTO session (name, created_at, last_used_at, use_order, turn_count, title)
                        VALUES ('a', 1, 1, 1, 1, ?)
                        """, arguments: [String(repeating: "x", count: length)])
            }
        }
    }
}
