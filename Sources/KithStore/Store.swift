// SPDX-License-Identifier: Apache-2.0

import Dispatch
import GRDB
package import KithModel
import Synchronization
import SystemPackage

/// What a node keeps in its data folder: conversations, feedback, how interactions went, whom it trusts, its clients' keys
/// and the audit trail.
///
/// One SQLite file in WAL mode with `synchronous=FULL`: what an operation that returned has written survives a crash of
/// the process and of the machine. The exception is ``recordOutcome(_:at:)``.
///
/// Safe to use from any task; writes are serialised and no operation blocks the calling thread. Writes go through even
/// when the calling task has been cancelled, because a client that leaves is when a broken answer must be kept.
package final class Store: Sendable {
    private let writer: any DatabaseWriter
    let ledger: Mutex<Ledger>
    private let name: String
    package let limits: StoreLimits

    /// Opens the database, and creates it and its directory when missing. Blocks while it does: for the start only.
    ///
    /// - Throws: ``StoreError`` that names the file and says what to do, when it is damaged, was written by a newer
    ///   version or by another program, or cannot be written. The file has not been changed then.
    package convenience init(path: String, limits: StoreLimits = .standard) throws(StoreError) {
        let file = StoreFile(path: FilePath(path))
        try file.prepare()
        do {
            let migrator = StoreSchema.migrator()
            try file.inspect(migrator: migrator)
            let pool = try DatabasePool(path: path, configuration: Self.configuration)
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            try self.init(writer: pool, migrator: migrator, name: path, limits: limits)
        } catch {
            throw StoreError(error, database: path)
        }
    }

    /// A store that is gone with its last reference, for tests and for nodes that keep nothing.
    package static func inMemory(limits: StoreLimits = .standard) throws(StoreError) -> Store {
        let name = "in memory"
        do {
            let queue = try DatabaseQueue(configuration: configuration)
            return try Store(writer: queue, migrator: StoreSchema.migrator(), name: name, limits: limits)
        } catch {
            throw StoreError(error, database: name)
        }
    }

    private init(
        writer: any DatabaseWriter, migrator: DatabaseMigrator, name: String, limits: StoreLimits
    ) throws {
        try migrator.migrate(writer)
        let saved = try writer.read { db in try TallyRecord.fetch(db) }
        self.writer = writer
        self.ledger = Mutex(Ledger(saved: saved.tally))
        self.name = name
        self.limits = limits
    }

    /// Few connections with small caches: conversations are short and read once per request.
    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "kith.store"
        configuration.maximumReaderCount = 2
        configuration.busyMode = .timeout(StoreLimits.busyTimeout.wholeSeconds)
        configuration.prepareDatabase { db in
            try db.execute(
                sql: """
                    PRAGMA cache_size = -1024;
                    PRAGMA journal_size_limit = 4194304;
                    PRAGMA secure_delete = ON;
                    """)
        }
        return configuration
    }
}

// MARK: - Life cycle

extension Store {
    /// Flushes every ``StoreLimits/flushInterval`` until the task is cancelled, and then once more.
    ///
    /// - Parameter report: told of each flush that failed. Nothing is lost by it: the next one tries again.
    package func run(clock: any TimeSource, report: @Sendable (StoreError) -> Void) async {
        var isRunning = true
        while isRunning {
            do {
                try await clock.sleep(forAbout: StoreLimits.flushInterval)
            } catch {
                isRunning = false
            }
            do throws(StoreError) {
                try await flush()
            } catch {
                report(error)
            }
        }
    }

    /// Writes what is in memory only; does nothing when there is nothing.
    package func flush() async throws(StoreError) {
        guard ledger.withLock({ $0.isAhead }) else { return }
        try await writeWithTally { _ in }
    }

    /// Flushes and closes the file. Whatever is asked afterwards throws ``StoreError/Code/closed``.
    package func close() async throws(StoreError) {
        try await flush()
        let result: Result<Void, any Error> = await withCheckedContinuation { continuation in
            // Closing waits for readers, which must not block a thread of the cooperative pool.
            DispatchQueue.global().async { [writer] in
                continuation.resume(returning: Result { try Self.close(writer) })
            }
        }
        do { try result.get() } catch { throw StoreError(error, database: name) }
    }

    /// Moves the log into the database first: the pool closes its readers last, and a connection that only reads leaves
    /// the log behind.
    private static func close(_ writer: any DatabaseWriter) throws {
        do {
            try writer.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        } catch DatabaseError.SQLITE_MISUSE {
            return  // Closed already.
        }
        try writer.close()
    }
}

// MARK: - Access

extension Store {
    /// Runs `changes` and saves the tally in one transaction.
    func writeWithTally(_ changes: @escaping @Sendable (Database) throws -> Void) async throws(StoreError) {
        let revision = try await write { [self] db in
            try changes(db)
            let snapshot = ledger.withLock { $0.snapshot }
            try TallyRecord.save(snapshot.tally, in: db)
            return snapshot.revision
        }
        ledger.withLock { $0.confirmSaved(revision) }
    }

    /// Runs `changes` in a transaction, also when the calling task has been cancelled.
    func write<Value: Sendable>(
        _ changes: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            writer.asyncWrite(changes) { _, result in continuation.resume(returning: result) }
        }
        do { return try result.get() } catch { throw StoreError(error, database: name) }
    }

    /// Runs `changes` in a transaction and blocks until it has ended: for the start only.
    func writeBlocking(_ changes: (Database) throws -> Void) throws(StoreError) {
        do { try writer.write(changes) } catch { throw StoreError(error, database: name) }
    }

    /// Blocks until the query has been answered: for the start only.
    func readBlocking<Value>(_ query: (Database) throws -> Value) throws(StoreError) -> Value {
        do { return try writer.read(query) } catch { throw StoreError(error, database: name) }
    }

    func read<Value: Sendable>(
        _ query: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        do { return try await writer.read(query) } catch { throw StoreError(error, database: name) }
    }
}
