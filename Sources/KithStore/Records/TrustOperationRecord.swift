// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

/// A row of `trust_operation`.
struct TrustOperationRecord: FetchableRecord {
    let operation: SignedOperation

    init(row: Row) throws {
        operation = SignedOperation(
            author: try NodeID(row, column: "author"),
            sequence: try row.decode(UInt64.self, forColumn: "sequence"),
            bytes: try row.decode(Blob.self, forColumn: "bytes").bytes)
    }

    static func fetchAll(_ db: Database) throws -> [TrustOperationRecord] {
        try fetchAll(db, sql: "SELECT * FROM trust_operation ORDER BY author, sequence")
    }

    /// Does nothing for an author and sequence that are there already, also when the bytes differ: the first counts.
    static func insert(_ operation: SignedOperation, in db: Database) throws {
        guard let sequence = Int64(exactly: operation.sequence) else {
            throw StoreError(.refused, "A statement's sequence number is larger than can be kept.")
        }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO trust_operation (author, sequence, bytes) VALUES (?, ?, ?)
                ON CONFLICT (author, sequence) DO NOTHING
                """)
        try statement.execute(arguments: [operation.author.blob, sequence, Blob(operation.bytes)])
    }

    static func count(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM trust_operation") ?? 0
    }
}
