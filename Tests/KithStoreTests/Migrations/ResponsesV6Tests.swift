// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel
import Testing

@testable import KithStore

@Suite("Version 6 of the schema")
struct ResponsesV6Tests {
    @Test("A database of version 5 keeps all it holds and takes responses")
    func upgrade() async throws {
        let folder = try TemporaryFolder()
        let queue = try DatabaseQueue(path: folder.path())
        try StoreSchema.migrator().migrate(queue, upTo: "v5")
        try await queue.write { db in try db.execute(sql: "INSERT INTO companion_pause VALUES (1, 5)") }
        try queue.close()
        let store = try Store(path: folder.path())
        #expect(try await store.companionPause() == WallTime(milliseconds: 5))
        let response = StoredResponse(id: "r", owner: "", createdAt: .start, items: [1], body: [2])
        #expect(try await store.keep(response))
        try await store.close()
    }

    @Test(
        "A row that breaks a rule is refused by the database itself",
        arguments: [
            "INSERT INTO response (name, owner, created_at, size, items, body) VALUES ('', '', 0, 2, x'01', x'02')",
            "INSERT INTO response (name, owner, created_at, size, items, body) VALUES ('a', '', 0, 3, x'01', x'02')",
            """
            INSERT INTO response (name, owner, created_at, size, items, body)
                VALUES ('a', '', 0, 8388609, zeroblob(8388608), x'02')
            """,
            "INSERT INTO response_output VALUES ('a', 7)",
        ])
    func rules(sql: String) throws {
        let queue = try DatabaseQueue()
        try StoreSchema.migrator().migrate(queue)
        #expect(throws: DatabaseError.self) { try queue.write { db in try db.execute(sql: sql) } }
    }
}
