// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// Removes from the log all that others than these nodes have written, and every mention of it; and logs of which
    /// nothing is left. Before the log is read, so that what does not count costs nothing.
    ///
    /// - Returns: How many operations were removed.
    @discardableResult
    package func keepLogs(of members: Set<NodeID>) async throws(StoreError) -> Int {
        let isNeeded = try await read { db in try !LogMembers.others(than: members, in: db).isEmpty }
        guard isNeeded else { return 0 }
        return try await write { db in try LogMembers.removeOthers(than: members, in: db) }
    }
}

/// Which rows of the log belong to whom.
enum LogMembers {
    /// Of nodes that are not among these; never this node's own log.
    static func others(than members: Set<NodeID>, in db: Database) throws -> Set<Int64> {
        var others: Set<Int64> = []
        let rows = try Row.fetchCursor(db, sql: "SELECT id, node FROM replica WHERE own IS NULL")
        while let row = try rows.next() {
            if members.contains(try NodeID(row, column: "node")) { continue }
            others.insert(try row.decode(Int64.self, forColumn: "id"))
        }
        return others
    }

    /// - Returns: How many operations were removed.
    @discardableResult
    static func removeOthers(than members: Set<NodeID>, in db: Database) throws -> Int {
        var gone = try others(than: members, in: db)
        var removed = 0
        for id in gone {
            try db.execute(sql: "DELETE FROM operation WHERE replica_id = ?", arguments: [id])
            removed += db.changesCount
        }
        let mentioned = try dropMentions(of: gone, in: db)
        gone.formUnion(try empty(in: db).subtracting(mentioned))
        for id in gone { try db.execute(sql: "DELETE FROM replica WHERE id = ?", arguments: [id]) }
        return removed
    }

    /// Logs of which nothing is known; only an operation may still mention them.
    private static func empty(in db: Database) throws -> Set<Int64> {
        try Set(
            Int64.fetchAll(
                db,
                sql: """
                    SELECT id FROM replica WHERE version = 0 AND floor = 0 AND own IS NULL
                        AND NOT EXISTS (SELECT 1 FROM operation WHERE replica_id = replica.id)
                    """))
    }

    /// - Returns: The logs that are still mentioned.
    private static func dropMentions(of gone: Set<Int64>, in db: Database) throws -> Set<Int64> {
        var mentioned: Set<Int64> = []
        var changed: [(replica: Int64, sequence: Int64, seen: Blob?)] = []
        let rows = try Row.fetchCursor(
            db, sql: "SELECT replica_id, sequence, seen FROM operation WHERE seen IS NOT NULL")
        while let row = try rows.next() {
            let blob = try row.decode(Blob.self, forColumn: "seen")
            let entries = try SeenBlob.entries(blob.bytes)
            let kept = entries.filter { !gone.contains($0.replica) }
            mentioned.formUnion(kept.map(\.replica))
            guard kept.count < entries.count else { continue }
            changed.append(
                (
                    try row.decode(Int64.self, forColumn: "replica_id"),
                    try row.decode(Int64.self, forColumn: "sequence"), SeenBlob.encode(kept)
                ))
        }
        let statement = try db.cachedStatement(
            sql: "UPDATE operation SET seen = ? WHERE replica_id = ? AND sequence = ?")
        for row in changed { try statement.execute(arguments: [row.seen, row.replica, row.sequence]) }
        return mentioned
    }
}
