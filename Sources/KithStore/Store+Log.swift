// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// The whole log, at one point in time.
    ///
    /// - Throws: ``StoreError`` with ``StoreError/Code/damaged`` also for an invalid row.
    package func logSnapshot() async throws(StoreError) -> LogSnapshot {
        try await read { db in
            let replicas = try KnownReplicas(db)
            return LogSnapshot(
                own: replicas.own, operations: try OperationRow.fetchAll(replicas, in: db),
                versions: replicas.versions, floor: replicas.floor)
        }
    }

    /// Stores what a step has changed and which deliveries it counted, all or nothing; on disk when it returns.
    ///
    /// - Parameter deliveries: The newest ``StoreLimits/deliveries`` are remembered.
    /// - Throws: ``StoreError`` with ``StoreError/Code/refused`` for an operation that breaks a rule of the schema, or
    ///   ``StoreError/Code/limitReached`` for more than ``StoreLimits/replicas``.
    package func commit(_ transition: LogTransition, deliveries: [DeliveryKey] = []) async throws(StoreError) {
        if transition.isEmpty && deliveries.isEmpty { return }
        try await write { [limits] db in
            if let members = transition.members { try LogMembers.removeOthers(than: members, in: db) }
            var replicas = ReplicaRows(db)
            for operation in transition.inserted {
                try OperationRow.insert(operation, replicas: &replicas, in: db)
            }
            for id in transition.removed { try OperationRow.delete(id, replicas: &replicas, in: db) }
            try replicas.set(versions: transition.versions, floor: transition.floor)
            for replica in transition.forgotten { try replicas.clear(replica) }
            if let own = transition.own { try replicas.setOwn(own) }
            if deliveries.isEmpty { return }
            for key in deliveries { try DeliveryRow.insert(key, in: db) }
            try DeliveryRow.dropOldest(keeping: limits.deliveries, in: db)
        }
    }

    /// Whether a commit has counted this delivery, and it has not been forgotten since.
    package func isDelivered(_ key: DeliveryKey) async throws(StoreError) -> Bool {
        try await read { db in try DeliveryRow.exists(key, in: db) }
    }
}

/// The replicated log in a node's database.
package struct StoredLog: SharedLogStore {
    private let store: Store

    package init(_ store: Store) { self.store = store }

    package func logSnapshot() async throws(StateRefusal) -> LogSnapshot {
        do { return try await store.logSnapshot() } catch { throw StateRefusal(error) }
    }

    package func commit(_ transition: LogTransition, deliveries: [DeliveryKey]) async throws(StateRefusal) {
        do { try await store.commit(transition, deliveries: deliveries) } catch { throw StateRefusal(error) }
    }

    package func isDelivered(_ key: DeliveryKey) async throws(StateRefusal) -> Bool {
        do { return try await store.isDelivered(key) } catch { throw StateRefusal(error) }
    }
}

extension StateRefusal {
    fileprivate init(_ error: StoreError) {
        switch error.code {
        case .full: self.init(.diskFull, "the disk is full: nothing was written", cause: error)
        case .closed: self.init(.closed, "the node is stopping", cause: error)
        case .refused, .limitReached: self.init(.limitReached, error.message, cause: error)
        default: self.init(.unavailable, "the state cannot be written: \(error.message)", cause: error)
        }
    }
}

/// A row of `operation`.
enum OperationRow {
    /// Does nothing when it is stored already: an operation never changes.
    static func insert(_ operation: Operation, replicas: inout ReplicaRows, in db: Database) throws {
        // SQLite would store empty bytes as no value, which means a removal.
        if operation.value?.isEmpty == true { throw StoreError(.refused, "An operation's value is empty.") }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO operation (replica_id, sequence, time, kind, name, source, value, seen)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (replica_id, sequence) DO NOTHING
                """)
        try statement.execute(
            arguments: [
                try replicas.id(of: operation.id.replica), try operation.id.sequence.column(),
                Int64(bitPattern: operation.time.bits), operation.register.kind.rawValue, operation.register.name,
                operation.source.text, operation.value.map { Blob($0) }, try seen(operation, replicas: &replicas),
            ])
    }

    static func delete(_ id: OperationID, replicas: inout ReplicaRows, in db: Database) throws {
        let statement = try db.cachedStatement(sql: "DELETE FROM operation WHERE replica_id = ? AND sequence = ?")
        try statement.execute(arguments: [try replicas.id(of: id.replica), try id.sequence.column()])
    }

    /// By replica and sequence.
    static func fetchAll(_ replicas: KnownReplicas, in db: Database) throws -> [Operation] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT replica_id, sequence, time, kind, name, source, value, seen FROM operation
                ORDER BY replica_id, sequence
                """)
        var runs: [Replica: [Operation]] = [:]
        while let row = try rows.next() {
            let operation = try operation(row, replicas: replicas)
            runs[operation.id.replica, default: []].append(operation)
        }
        return runs.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    private static func seen(_ operation: Operation, replicas: inout ReplicaRows) throws -> Blob? {
        guard operation.seen.sequences.count <= Operation.seenLimit else {
            throw StoreError(.refused, "An operation takes the place of more than \(Operation.seenLimit) writers'.")
        }
        var entries: [(replica: Int64, sequence: UInt64)] = []
        for (replica, sequence) in operation.seen.sequences {
            entries.append((try replicas.id(of: replica), sequence))
        }
        return SeenBlob.encode(entries)
    }

    /// Columns are taken by their place and not by name, because there are many rows.
    private static func operation(_ row: Row, replicas: KnownReplicas) throws -> Operation {
        guard let replica = Int64.fromDatabaseValue(row[0]), let sequence = UInt64.fromDatabaseValue(row[1]),
            sequence > 0, let time = Int64.fromDatabaseValue(row[2]),
            let kind = UInt8.fromDatabaseValue(row[3]).flatMap({ RegisterKey.Kind(rawValue: $0) }),
            let register = String.fromDatabaseValue(row[4]).flatMap({ RegisterKey(kind, name: $0) }),
            let source = String.fromDatabaseValue(row[5]).flatMap({ StateSource($0) })
        else { throw DatabaseError.damaged("an operation cannot be read") }
        let value = try optionalBytes(row[6])
        if let value, !(1...Operation.valueLimit).contains(value.count) {
            throw DatabaseError.damaged("an operation's value is empty or too long")
        }
        return Operation(
            id: OperationID(replica: try replicas.replica(replica), sequence: sequence),
            time: HybridTime(bits: UInt64(bitPattern: time)), register: register, source: source, value: value,
            seen: try optionalBytes(row[7]).map { try SeenBlob.decode($0, replica: replicas.replica) }
                ?? VersionVector())
    }

    private static func optionalBytes(_ column: DatabaseValue) throws -> [UInt8]? {
        if column.isNull { return nil }
        guard let blob = Blob.fromDatabaseValue(column) else {
            throw DatabaseError.damaged("an operation holds something else than bytes")
        }
        return blob.bytes
    }
}

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

    /// The row stays as long as an operation mentions it.
    mutating func clear(_ replica: Replica) throws {
        let statement = try db.cachedStatement(sql: "UPDATE replica SET version = 0, floor = 0 WHERE id = ?")
        try statement.execute(arguments: [try id(of: replica)])
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

    /// The id counts the rows, unless some were deleted.
    private func insert(_ replica: Replica) throws -> Int64 {
        try db.execute(
            sql: "INSERT INTO replica (node, epoch) VALUES (?, ?)",
            arguments: [replica.node.blob, Int64(bitPattern: replica.epoch)])
        let id = db.lastInsertedRowID
        if id <= StoreLimits.replicas { return id }
        guard try Int.fetchOne(db, sql: "SELECT count(*) FROM replica") ?? 0 <= StoreLimits.replicas else {
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

/// A row of `delivery`.
enum DeliveryRow {
    static func insert(_ key: DeliveryKey, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO delivery (key) VALUES (?) ON CONFLICT (key) DO NOTHING")
        try statement.execute(arguments: [key.text])
    }

    static func exists(_ key: DeliveryKey, in db: Database) throws -> Bool {
        let statement = try db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM delivery WHERE key = ?)")
        return try Bool.fetchOne(statement, arguments: [key.text]) ?? false
    }

    /// Only the oldest are deleted, so that the ids are without gaps.
    static func dropOldest(keeping limit: Int, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "DELETE FROM delivery WHERE id <= (SELECT max(id) FROM delivery) - ?")
        try statement.execute(arguments: [limit])
    }
}
