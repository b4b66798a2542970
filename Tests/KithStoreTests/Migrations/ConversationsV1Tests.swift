// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel
import KithStore
import Testing

@Suite("Version 1 of the schema")
struct ConversationsV1Tests {
    @Test(
        "A row that breaks a rule is refused by the database itself",
        arguments: [
            "INSERT INTO session VALUES (9, '', 0, 0, 9, 1, NULL)",
            "INSERT INTO session VALUES (9, 's', 0, 0, 9, 1, NULL)",
            "INSERT INTO session VALUES (9, 'x', 'noon', 0, 9, 1, NULL)",
            "INSERT INTO session VALUES (9, 'x', 0, 0, 1, 1, NULL)",
            "INSERT INTO session (id, name, created_at, last_used_at, use_order, turn_count) "
                + "VALUES (9, printf('%.129c', 'x'), 0, 0, 9, 1)",
            "INSERT INTO turn (session_id, role, text, at) VALUES (99, 'user', 'q', 0)",
            "INSERT INTO turn (session_id, role, text, at) VALUES (1, 'system', 'q', 0)",
            "INSERT INTO turn (session_id, role, text, at) VALUES (1, 'assistant', 'a', 0)",
            "INSERT INTO turn (session_id, role, text, at, outcome) VALUES (1, 'user', 'q', 0, 'completed')",
            "INSERT INTO turn (session_id, role, text, at, outcome) VALUES (1, 'assistant', 'a', 0, 'fine')",
            "INSERT INTO turn (session_id, role, text, at, model) VALUES (1, 'user', 'q', 0, 'm')",
            "INSERT INTO turn (session_id, role, text, at) VALUES (1, 'user', printf('%.262145c', 'x'), 0)",
            "UPDATE turn SET prompt_tokens = 1 WHERE role = 'assistant'",
            "UPDATE turn SET prompt_tokens = -1, completion_tokens = 1 WHERE role = 'assistant'",
            "INSERT INTO feedback (session_id, score, at) VALUES (99, 0, 0)",
            "INSERT INTO feedback (score, at) VALUES (1.01, 0)",
            "INSERT INTO tally (id) VALUES (2)",
            "UPDATE tally SET valence = -1.5",
            "UPDATE tally SET valence = NULL",
            "UPDATE tally SET recent_troubled = -1",
            "UPDATE tally SET turn_count = 0.5",
        ])
    func refusedRows(sql: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Store(path: folder.path())
        try await store.exchange(SessionID(test: "s"), "q", "a")
        try await store.close()
        let error = #expect(throws: DatabaseError.self) { try DatabaseFile(folder.path()).execute(sql) }
        #expect(error?.resultCode == .SQLITE_CONSTRAINT, "\(String(describing: error))")
    }
}
