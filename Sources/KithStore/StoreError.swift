// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Why the store could not do what it was asked.
package struct StoreError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// A newer kith wrote the database.
        case newerDatabase = "newer_database"
        /// The file is a database of another program.
        case foreignDatabase = "foreign_database"
        /// The file is not a readable database.
        case damaged
        /// The file or its directory cannot be created, read or written.
        case inaccessible
        /// The disk is full.
        case full
        /// Another process kept the database locked for too long.
        case busy
        /// No session has this name.
        case unknownSession = "unknown_session"
        /// The limit is reached, and nothing may be dropped.
        case limitReached = "limit_reached"
        /// What was to be stored breaks a rule of the schema, such as a second key with one id.
        case refused
        /// The store has been closed.
        case closed
        /// The calling task was cancelled while it waited to read.
        case cancelled
        /// Anything else that SQLite reported.
        case failed
    }

    package var code: Code
    /// One sentence that says what to do; never holds what users said.
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { "\(code.rawValue): \(message)" + (cause.map { " (\($0))" } ?? "") }
}

extension StoreError {
    /// - Parameter name: how the database is called in messages, such as its path.
    init(_ error: any Error, database name: String) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError: self.init(error, database: name)
        case is CancellationError:
            self.init(.cancelled, "Reading from \(name) was cancelled.", cause: error)
        case is RowDecodingError: self = .damaged(name, cause: error)
        default: self.init(.failed, "The database \(name) could not be used.", cause: error)
        }
    }

    private init(_ error: DatabaseError, database name: String) {
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(name, cause: error)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
            self.init(
                .inaccessible,
                """
                The database \(name) cannot be opened for writing; check its owner and permissions, and whether its disk \
                is mounted for reading only.
                """, cause: error)
        case .SQLITE_FULL:
            self.init(.full, "There is no space left for the database \(name); free some on its disk.", cause: error)
        case .SQLITE_IOERR:
            self.init(error.extendedResultCode, database: name, cause: error)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .busy, "Another process holds the database \(name); each node needs a data folder of its own.",
                cause: error)
        case .SQLITE_MISUSE: self.init(.closed, "The database \(name) has been closed.", cause: error)
        case .SQLITE_CONSTRAINT:
            self.init(.refused, "What was to be kept breaks a rule of the database \(name).", cause: error)
        case .SQLITE_INTERRUPT, .SQLITE_ABORT:
            self.init(.cancelled, "Reading from \(name) was cancelled.", cause: error)
        default: self.init(.failed, "The database \(name) could not be used.", cause: error)
        }
    }

    /// SQLite takes the space for what its processes share before it uses it, and finds a full disk then.
    private init(_ code: ResultCode, database name: String, cause: DatabaseError) {
        switch code {
        case .SQLITE_IOERR_SHMSIZE:
            self.init(.full, "There is no space left for the database \(name); free some on its disk.", cause: cause)
        case .SQLITE_IOERR_CORRUPTFS, .SQLITE_IOERR_DATA: self = .damaged(name, cause: cause)
        default:
            self.init(
                .inaccessible, "The disk of the database \(name) cannot be read or written; check it.", cause: cause)
        }
    }

    static func damaged(_ name: String, cause: (any Error)?) -> StoreError {
        StoreError(
            .damaged,
            """
            The database \(name) is damaged; move it and the files beside it that end in -wal and -shm to another place \
            and start again with an empty one, or put a backup there.
            """, cause: cause)
    }

    static func newer(_ name: String) -> StoreError {
        StoreError(
            .newerDatabase,
            "The database \(name) was written by a newer version of kith; update kith or choose another data folder.")
    }

    static func foreign(_ name: String) -> StoreError {
        StoreError(
            .foreignDatabase, "The file \(name) is a database of another program; choose another data folder.")
    }
}
