// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `session_origin`: a conversation that a kin has sent and that nobody has continued here.
enum SessionOrigin {
    /// The part of all conversations that may be such, and half of it of one kin.
    private static let share = 4
    /// Bytes of their text, of one kin.
    private static let bytesPerNode = 64 << 20

    /// Whether one more conversation of this kin may be kept. It never takes the place of another: the kin keeps it.
    static func hasRoom(for node: NodeID, bytes: Int, limit: Int, in db: Database) throws -> Bool {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT (SELECT count(*) FROM session), count(*), ifnull(sum(node = :node), 0),
                    ifnull(sum(CASE WHEN node = :node THEN bytes END), 0)
                FROM session_origin
                """,
            arguments: ["node": node.blob])
        guard let row else { return false }
        let (all, sent, own, ownBytes): (Int, Int, Int, Int) = (row[0], row[1], row[2], row[3])
        return all < limit && sent < max(1, limit / share) && own < max(1, limit / share / 2)
            && ownBytes + bytes <= bytesPerNode
    }

    /// Whether conversations of this kin may become longer by so many bytes.
    static func hasRoom(for node: NodeID, more bytes: Int, in db: Database) throws -> Bool {
        let held =
            try Int.fetchOne(
                db, sql: "SELECT ifnull(sum(bytes), 0) FROM session_origin WHERE node = ?", arguments: [node.blob]) ?? 0
        return held + bytes <= bytesPerNode
    }

    static func set(_ session: Int64, _ node: NodeID, bytes: Int, in db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO session_origin (session_id, node, bytes) VALUES (?, ?, ?)
                ON CONFLICT (session_id) DO UPDATE SET node = excluded.node, bytes = excluded.bytes
                """,
            arguments: [session, node.blob, bytes])
    }

    static func exists(_ session: Int64, in db: Database) throws -> Bool {
        try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM session_origin WHERE session_id = ?)", arguments: [session])
            ?? false
    }

    /// It was continued here.
    static func clear(_ session: Int64, in db: Database) throws {
        let statement = try db.cachedStatement(sql: "DELETE FROM session_origin WHERE session_id = ?")
        try statement.execute(arguments: [session])
    }

    /// - Returns: How many conversations went.
    static func settle(_ node: NodeID, removing: Bool, in db: Database) throws -> Int {
        guard removing else {
            try db.execute(sql: "DELETE FROM session_origin WHERE node = ?", arguments: [node.blob])
            return 0
        }
        try db.execute(
            sql: "DELETE FROM session WHERE id IN (SELECT session_id FROM session_origin WHERE node = ?)",
            arguments: [node.blob])
        return db.changesCount
    }
}
