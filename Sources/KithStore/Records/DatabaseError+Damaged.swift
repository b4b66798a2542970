// SPDX-License-Identifier: Apache-2.0

import GRDB

extension DatabaseError {
    /// For a row that the schema and this program do not write.
    static func damaged(_ message: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: message)
    }
}
