// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithFiles
package import KithModel
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The database's place in the file system.
struct StoreFile: Sendable {
    let path: FilePath

    /// Creates what is missing, the directories with mode 0700 and the file with 0600, and removes the rights of others
    /// to files that exist. SQLite gives the files it adds the mode of the database.
    ///
    /// Directories that exist are left as they are: they may be somebody else's.
    func prepare() throws(StoreError) {
        do {
            try PrivateDirectory.create(path.removingLastComponent())
            let file = try FileDescriptor.open(
                path, .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
            try file.close()
            for suffix in ["", "-wal", "-shm"] { try Self.makePrivate(path.string + suffix) }
        } catch {
            throw StoreError(
                .inaccessible, "The database \(path) cannot be created or opened; check its directory's permissions.",
                cause: error)
        }
    }

    /// Refuses a database that this version must not touch, or that is damaged, before anything is written to it.
    ///
    /// - Parameter patience: How long another program may hold it.
    func inspect(migrator: DatabaseMigrator, patience: Duration = StoreLimits.busyTimeout) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(patience.wholeSeconds)
        let queue = try DatabaseQueue(path: path.string, configuration: configuration)
        try queue.read { db in
            guard try Bool.fetchOne(db, sql: Self.holdsTables) == true else { return }
            guard try Int32.fetchOne(db, sql: "PRAGMA application_id") == StoreSchema.applicationID else {
                throw StoreError.foreign(path.string)
            }
            if try migrator.hasBeenSuperseded(db) { throw StoreError.newer(path.string) }
            try check(db)
        }
        try queue.close()
    }

    /// Reads every page and checks every row. 50 MB take 50 ms from the page cache, which is where a node that was
    /// stopped or killed finds them; damage in a larger database is found by the read that meets it.
    private func check(_ db: Database) throws {
        guard let size = try Int64.fetchOne(db, sql: Self.size), size <= StoreLimits.checkedSize else { return }
        let finding = try String.fetchOne(db, sql: "PRAGMA quick_check(1)")
        if let finding, finding != "ok" { throw DatabaseError.damaged(finding) }
    }

    private static let size = """
        SELECT page_count * page_size FROM pragma_page_count, pragma_page_size
        """

    /// A first start that was interrupted may have left GRDB's own tables and nothing else.
    private static let holdsTables = """
        SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE tbl_name NOT LIKE 'grdb\\_%' ESCAPE '\\')
        """

    private static func makePrivate(_ file: String) throws(Errno) {
        guard chmod(file, 0o600) != 0 else { return }
        let failure = Errno(rawValue: errno)
        if failure != .noSuchFileOrDirectory { throw failure }
    }
}

extension Duration {
    /// For GRDB, which takes waiting times in seconds.
    var wholeSeconds: Double { Double(components.seconds) }
}

/// Inspects a node's database without changing anything, not even an old schema, whether the node runs or not.
package struct StoreInspection: Sendable {
    /// Larger files are not read through for faults.
    package static let checkedBytes: Int64 = 256 << 20
    /// Who inspects has no time for as long as a node waits, and is to hear that somebody holds the database.
    private static let patience = Duration.seconds(1)

    package var bytes: Int64
    /// Whether SQLite found no fault in a whole reading; `nil` when the file was too large for one.
    package var isChecked: Bool
    package var identity: NodeID?
    package var peers: [PeerRecord]
    package var operations: [SignedOperation]
    /// Whether there is a key with which a caller could be admitted now.
    package var hasUsableKey: Bool
    /// When the database was last found to be older than it should be, and in which words.
    package var lastLoss: AuditRecord?

    /// - Returns: `nil` when there is no database. Blocks.
    /// - Throws: ``StoreError`` as the start of a node would, and ``StoreError/Code/damaged`` for what SQLite finds.
    package init?(readingFrom path: String) throws(StoreError) {
        do {
            guard let size = try Self.size(of: FilePath(path)), size > 0 else { return nil }
            bytes = size
            isChecked = size <= Self.checkedBytes
            try StoreFile(path: FilePath(path)).inspect(migrator: StoreSchema.migrator(), patience: Self.patience)
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(Self.patience.wholeSeconds)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let isChecked = isChecked
            (identity, peers, operations, hasUsableKey, lastLoss) = try queue.read { db in
                if isChecked, let fault = try String.fetchOne(db, sql: "PRAGMA quick_check(1)"), fault != "ok" {
                    throw StoreError.damaged(path, cause: nil)
                }
                guard try db.tableExists("peer"), try db.tableExists("trust_operation") else {
                    return (nil, [], [], false, nil)
                }
                let identity = try Row.fetchOne(db, sql: "SELECT node FROM identity").map {
                    try NodeID($0, column: "node")
                }
                let losses = try AuditRow.fetch(AuditQuery(kinds: [.storeOlder], limit: 1), in: db)
                return (
                    identity, try PeerRow.fetchAll(db), try TrustOperationRecord.fetchAll(db).map(\.operation),
                    try Self.hasUsableKey(db, now: .now()), losses.first?.record
                )
            }
            try queue.close()
        } catch {
            throw StoreError(error, database: path)
        }
    }

    private static func hasUsableKey(_ db: Database, now: WallTime) throws -> Bool {
        guard try db.tableExists("client_key") else { return false }
        let usable = "SELECT EXISTS (SELECT 1 FROM client_key WHERE revoked_at IS NULL AND coalesce(expires_at > ?, 1))"
        return try Bool.fetchOne(db, sql: usable, arguments: [now.milliseconds]) ?? false
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
