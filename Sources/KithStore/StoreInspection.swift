// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel
import SystemPackage

/// A look into a node's database that changes nothing, not even an old schema: for whoever wants to know how it is, whether
/// the node runs or not.
package struct StoreInspection: Sendable {
    /// Larger files are not read through for faults.
    package static let checkedBytes: Int64 = 256 << 20

    package var bytes: Int64
    /// Whether SQLite found no fault in a whole reading; `nil` when the file was too large for one.
    package var isChecked: Bool
    package var identity: NodeID?
    package var peers: [PeerRecord]
    package var operations: [SignedOperation]

    /// - Returns: `nil` when there is no database. Blocks.
    /// - Throws: ``StoreError`` as the start of a node would, and ``StoreError/Code/damaged`` for what SQLite finds.
    package init?(readingFrom path: String) throws(StoreError) {
        do {
            guard let size = try Self.size(of: FilePath(path)), size > 0 else { return nil }
            bytes = size
            isChecked = size <= Self.checkedBytes
            try StoreFile(path: FilePath(path)).inspect(migrator: StoreSchema.migrator())
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(1)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let isChecked = isChecked
            (identity, peers, operations) = try queue.read { db in
                if isChecked, let fault = try String.fetchOne(db, sql: "PRAGMA quick_check(1)"), fault != "ok" {
                    throw StoreError.damaged(path, cause: nil)
                }
                guard try db.tableExists("peer"), try db.tableExists("trust_operation") else { return (nil, [], []) }
                let identity = try Row.fetchOne(db, sql: "SELECT node FROM identity").map {
                    try NodeID($0, column: "node")
                }
                return (identity, try PeerRow.fetchAll(db), try TrustOperationRecord.fetchAll(db).map(\.operation))
            }
            try queue.close()
        } catch {
            throw StoreError(error, database: path)
        }
    }

    private static func size(of file: FilePath) throws -> Int64? {
        do {
            let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
            return try descriptor.closeAfter { try descriptor.seek(offset: 0, from: .end) }
        } catch Errno.noSuchFileOrDirectory {
            return nil
        }
    }
}
