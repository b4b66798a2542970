// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

extension NodeID {
    var blob: Blob { Blob(digest) }

    /// - Throws: `DatabaseError` when the column does not hold 32 bytes, which the schema rules out.
    init(_ row: Row, column: String) throws {
        guard let id = NodeID(digest: try row.decode(Blob.self, forColumn: column).bytes) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a node's id does not have 32 bytes")
        }
        self = id
    }
}
