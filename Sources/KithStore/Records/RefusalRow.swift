// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `refusal`. Texts are cut to what the schema takes.
enum RefusalRow {
    static func insert(_ refusal: RefusalRecord, in db: Database) throws {
        let statement = try db.cachedStatement(sql: "INSERT INTO refusal (at, peer, reason, text) VALUES (?, ?, ?, ?)")
        try statement.execute(
            arguments: [
                refusal.at.milliseconds, KeptText(refusal.peer, limit: 512).value, refusal.reason.rawValue,
                KeptText(refusal.text, limit: 1_024).value,
            ])
    }

    static func dropOldest(keeping limit: Int, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM refusal WHERE id <= (SELECT id FROM refusal ORDER BY id DESC LIMIT 1 OFFSET ?)",
            arguments: [limit])
    }

    /// Those with a reason that a newer version wrote and this one does not know are left out.
    static func fetchLast(_ limit: Int, in db: Database) throws -> [RefusalRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM refusal ORDER BY id DESC LIMIT ?", arguments: [limit]).compactMap {
            row in
            guard let reason = SharingRefusal.Reason(rawValue: try row.decode(String.self, forColumn: "reason")) else {
                return nil
            }
            return RefusalRecord(
                at: WallTime(milliseconds: try row.decode(Int64.self, forColumn: "at")),
                peer: try row.decode(String.self, forColumn: "peer"), reason: reason,
                text: try row.decode(String.self, forColumn: "text"))
        }
    }
}
