// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `feedback`.
struct FeedbackRecord {
    let session: Int64?
    let score: FeedbackScore
    let comment: KeptText?
    let time: WallTime

    func insert(in db: Database) throws {
        try db.execute(
            sql: "INSERT INTO feedback (session_id, score, comment, at) VALUES (?, ?, ?, ?)",
            arguments: [session, score.rawValue, comment?.value, time.milliseconds])
    }

    static func dropOldest(keeping limit: Int, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM feedback WHERE id <= (SELECT id FROM feedback ORDER BY id DESC LIMIT 1 OFFSET ?)",
            arguments: [limit])
    }
}
