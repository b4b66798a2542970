// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// The rows of `replica` within one transaction that writes; remembers their ids.
struct ReplicaRows {
    private let db: Database
    private var ids: [Replica: Int64] = [:]

    init(_ db: Database) { self.db = db }

    /// The id of the replica's row, which is made when there is none.
    mutating func id(of replica: Replica) throws -> Int64 {
        if let id = ids[replica] { return id }
        let id = try find(replica) ?? insert(replica)
        ids[replica] = id
        return id
    }

    /// The floor never falls; a version may, when a log is withdrawn.
    mutating func set(versions: VersionVector, floor: VersionVector) throws {
        for (replica, sequence) in versions.sequences {
            let statement = try db.cachedStatement(sql: "UPDATE replica SET version = ? WHERE id = ?")
            try statement.execute(arguments: [try sequence.column(), try id(of: replica)])
        }
        for (replica, sequence) in floor.sequences {
            let statement = try db.cachedStatement(sql: "UPDATE replica SET floor = max(floor, ?) WHERE id = ?")
            try statement.execute(arguments: [try sequence.column(), try id(of: replica)])
        }
    }

    mutating func setOwn(_ replica: Replica) throws {
        let id = try id(of: replica)
        try db.execute(sql: "UPDATE replica SET own = NULL WHERE own = 1 AND id <> ?", arguments: [id])
        try db.execute(sql: "UPDATE replica SET own = 1 WHERE id = ?", arguments: [id])
    }

    private func find(_ replica: Replica) throws -> Int64? {
        let statement = try db.cachedStatement(sql: "SELECT id FROM replica WHERE node = ? AND epoch = ?")
        return try Int64.fetchOne(statement, arguments: [replica.node.blob, Int64(bitPattern: replica.epoch)])
    }

    /// Rows are never deleted, so the id counts them.
    private func insert(_ replica: Replica) throws -> Int64 {
        try db.execute(
            sql: "INSERT INTO replica (node, epoch) VALUES (?, ?)",
            arguments: [replica.node.blob, Int64(bitPattern: replica.epoch)])
        let id = db.lastInsertedRowID
        guard id <= StoreLimits.replicas else {
            throw StoreError(.limitReached, "The logs of \(StoreLimits.replicas) replicas are known; no more are kept.")
        }
        return id
    }
}

/// All rows of `replica`.
struct KnownReplicas {
    private(set) var byID: [Int64: Replica] = [:]
    private(set) var versions = VersionVector()
    private(set) var floor = VersionVector()
    private(set) var own: Replica?

    init(_ db: Database) throws {
        let rows = try Row.fetchCursor(db, sql: "SELECT id, node, epoch, version, floor, own FROM replica")
        while let row = try rows.next() {
            let replica = Replica(
                node: try NodeID(row, column: "node"),
                epoch: UInt64(bitPattern: try row.decode(Int64.self, forColumn: "epoch")))
            byID[try row.decode(Int64.self, forColumn: "id")] = replica
            versions.raise(replica, to: try row.decode(UInt64.self, forColumn: "version"))
            floor.raise(replica, to: try row.decode(UInt64.self, forColumn: "floor"))
            if try row.decode(Int?.self, forColumn: "own") != nil { own = replica }
        }
    }

    /// - Throws: `DatabaseError` when no row has this id, which the schema rules out.
    func replica(_ id: Int64) throws -> Replica {
        guard let replica = byID[id] else { throw DatabaseError.damaged("an operation's replica is unknown") }
        return replica
    }
}

extension UInt64 {
    /// A sequence number as a column holds it.
    func column() throws -> Int64 {
        guard let column = Int64(exactly: self) else {
            throw StoreError(.refused, "An operation's sequence number is larger than can be kept.")
        }
        return column
    }
}
