// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `operation`.
enum OperationRow {
    /// Does nothing when it is there: an operation never changes.
    static func insert(_ operation: Operation, replicas: inout ReplicaRows, in db: Database) throws {
        // SQLite would keep no bytes as no value, which removes.
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
