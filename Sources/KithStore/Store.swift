// SPDX-License-Identifier: Apache-2.0

import Dispatch
import GRDB
package import KithModel
import Synchronization
import SystemPackage

/// What a node keeps in its data folder: conversations, responses, feedback, how interactions went, whom it trusts, its
/// clients' keys and the audit trail.
///
/// One SQLite file in WAL mode with `synchronous=FULL`: what an operation has written when it returns survives a crash of
/// the process and of the machine. The exception is `recordOutcome(_:at:)`.
///
/// Safe to use from any task; writes are serialised and no operation blocks the calling thread. Writes go through even
/// when the calling task has been cancelled, because a broken answer must be kept precisely when its client leaves.
package final class Store: Sendable {
    private let writer: any DatabaseWriter
    let tally: Mutex<TallyCache>
    private let name: String
    package let limits: StoreLimits
    /// What the database had lost when it was opened; `nil` when nothing is missing.
    package let loss: StoreLoss?
    /// `nil` for a store in memory.
    let anchor: StoreAnchorFile?
    /// Called once a change of a conversation is on disk; must not wait.
    package let sessionChanges = Callback<SessionChange>()

    /// Opens the database, and creates it and its directory when missing. Blocks while it does: for the start only.
    ///
    /// - Throws: ``StoreError`` that names the file and says what to do, when it is damaged, was written by a newer
    ///   version or by another program, or cannot be written. The file has not been changed then.
    package convenience init(path: String, limits: StoreLimits = .standard) throws(StoreError) {
        let file = StoreFile(path: FilePath(path))
        let anchor = try StoreAnchorFile(besides: FilePath(path))
        try file.prepare()
        do {
            let migrator = StoreSchema.migrator()
            try file.inspect(migrator: migrator)
            let pool = try DatabasePool(path: path, configuration: Self.configuration)
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            try self.init(writer: pool, migrator: migrator, name: path, limits: limits, anchor: anchor)
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
        writer: any DatabaseWriter, migrator: DatabaseMigrator, name: String, limits: StoreLimits,
        anchor: StoreAnchorFile? = nil
    ) throws {
        try migrator.migrate(writer)
        loss = try anchor.flatMap { try Self.makeUp(for: $0, in: writer) }
        self.anchor = anchor
        let saved = try writer.read { db in try TallyRecord.fetch(db) }
        self.writer = writer
        self.tally = Mutex(TallyCache(saved: saved.tally))
        self.name = name
        self.limits = limits
    }

    /// Revokes again what was revoked, and looks whether anything is missing.
    private static func makeUp(for anchor: StoreAnchorFile, in writer: any DatabaseWriter) throws -> StoreLoss? {
        let sequence = try writer.write { db in
            let sequence = try StoreSequence.read(db)
            for (id, time) in anchor.found.revoked { _ = try ClientKeyRow.revoke(id, at: time, in: db) }
            try StoreSequence.set(max(sequence, anchor.found.sequence), in: db)  // and thus there is a journal
            return sequence
        }
        try anchor.reached(max(sequence, anchor.found.sequence))
        try anchor.noteJournal()
        return anchor.loss(sequence: sequence)
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
    /// - Parameter report: called for each flush that failed. Nothing is lost: the next one tries again.
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

    /// Writes what is only in memory, if there is anything.
    package func flush() async throws(StoreError) {
        guard tally.withLock({ $0.isAhead }) else { return }
        try await writeWithTally { _ in }
    }

    /// Flushes and closes the file. Every later call throws ``StoreError/Code/closed``.
    package func close() async throws(StoreError) {
        try await flush()
        let result: Result<Void, any Error> = await withCheckedContinuation { continuation in
            // Closing waits for readers, which must not block a thread of the cooperative pool.
            DispatchQueue.global().async { [writer, anchor] in
                continuation.resume(returning: Result { try Self.close(writer, anchor) })
            }
        }
        do { try result.get() } catch { throw StoreError(error, database: name) }
        try anchor?.noteJournal()
    }

    /// Moves the log into the database first: the pool closes its readers last, and a connection that only reads leaves
    /// the log behind.
    private static func close(_ writer: any DatabaseWriter, _ anchor: StoreAnchorFile?) throws {
        do {
            try writer.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        } catch DatabaseError.SQLITE_MISUSE {
            return  // Closed already.
        }
        try anchor?.noteJournal()  // while it is there: whoever is killed now has lost nothing
        try writer.close()
    }
}

// MARK: - Access

extension Store {
    /// Runs `changes` and saves the tally in one transaction.
    @discardableResult
    func writeWithTally<Value: Sendable>(
        _ changes: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let (value, revision) = try await write { [self] db in
            let value = try changes(db)
            let snapshot = tally.withLock { $0.snapshot }
            try TallyRecord.save(snapshot.tally, in: db)
            return (value, snapshot.revision)
        }
        tally.withLock { $0.confirmSaved(revision) }
        return value
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

/// What the store keeps at most, and how often it writes what it counts in memory.
///
/// Every cap is enforced in the transaction that would go beyond it.
package struct StoreLimits: Hashable, Sendable {
    /// The most bytes of UTF-8 that one turn may have in any configuration; the schema refuses more.
    package static let largestText = 256 * 1_024
    /// The most bytes of a model's name; longer names are cut.
    package static let modelName = 512
    /// A session that nobody used for longer counts as completed.
    package static let sessionIdle: Duration = .seconds(30 * 60)
    /// How long an outcome recorded without a session may be in memory only.
    package static let flushInterval: Duration = .seconds(5)
    /// How long a statement waits for another process that holds the file.
    package static let busyTimeout: Duration = .seconds(5)

    /// The most bytes of a database that is checked whole when it is opened.
    package static let checkedSize = 64 * 1_024 * 1_024
    /// The most addresses that are remembered of one peer.
    package static let addressesPerPeer = 16
    /// The most bytes of one signed statement about who is kin; the schema refuses more.
    package static let largestOperation = 65_536
    /// The most bytes of the registry's snapshot; the schema refuses more.
    package static let largestRegistrySnapshot = 4 * 1_024 * 1_024

    /// The most bytes of a response with what it answers; the schema refuses more.
    package static let largestResponse = 8 * 1_024 * 1_024
    /// A response that is older is not kept.
    package static let responseAge: Duration = .seconds(30 * 24 * 60 * 60)

    /// The most replicas whose logs are known. Beyond it, no more are taken: each began with a node that lost its database.
    package static let replicas = 8_192

    /// Beyond it, the least recently used session is dropped with its turns and feedback.
    package let sessions: Int
    /// Beyond it, the session's oldest turns are dropped, an exchange at a time.
    package let turnsPerSession: Int
    /// Bytes of UTF-8 of a turn or comment. Longer text is cut at a character boundary and marked.
    package let text: Int
    /// Beyond it, the oldest feedback is dropped.
    package let feedback: Int
    /// Lines of the audit trail about what others did, and as many about what the owner did. Beyond it, those of the
    /// largest floods are dropped first; with the longest texts a line has 1 KiB.
    package let audit: Int
    /// Beyond it, no more are taken: to drop one would be to forget whom this node trusts.
    package let trustOperations: Int
    /// Beyond it, no more are taken.
    package let peers: Int
    /// Deliveries that are known to have been counted. Beyond it, the oldest are forgotten.
    package let deliveries: Int
    /// Beyond it, the oldest exchanges are forgotten.
    package let exchanges: Int
    /// Peers that were talked to. Beyond it, those that were talked to longest ago are forgotten.
    package let companions: Int
    /// What was not said. Beyond it, the oldest is forgotten.
    package let refusals: Int
    /// Beyond it, the oldest responses are dropped.
    package let responses: Int
    /// Bytes of all responses with what they answer. Beyond it, the oldest are dropped.
    package let responseBytes: Int
    /// Days of usage that are kept.
    package static let usageDays = 400

    /// Rows of usage. Beyond it, the oldest days are dropped.
    package let usageRows: Int
    /// Rows of usage of one day. Beyond it, models and nodes are counted as others.
    package let usageRowsPerDay: Int
    /// Keys that have not been revoked. Beyond it, no more are taken; of the revoked as many of the latest are kept.
    package let clientKeys: Int

    package static let standard = StoreLimits()

    /// Limits out of range are held to it: at least one session, one exchange (two turns), 64 bytes, and one of
    /// everything else.
    package init(
        sessions: Int = 1_000, turnsPerSession: Int = 2_000, text: Int = StoreLimits.largestText,
        feedback: Int = 10_000, audit: Int = 10_000, trustOperations: Int = 65_536, peers: Int = 4_096,
        clientKeys: Int = 500, deliveries: Int = 10_000, exchanges: Int = 10_000, companions: Int = 1_000,
        refusals: Int = 1_000, responses: Int = 1_000, responseBytes: Int = 32 * 1_024 * 1_024,
        usageRows: Int = 100_000, usageRowsPerDay: Int = 2_000
    ) {
        self.usageRows = max(1, usageRows)
        self.usageRowsPerDay = max(1, usageRowsPerDay)
        self.sessions = max(1, sessions)
        self.turnsPerSession = max(2, turnsPerSession) / 2 * 2
        self.text = min(max(64, text), Self.largestText)
        self.feedback = max(1, feedback)
        self.audit = max(1, audit)
        self.trustOperations = max(1, trustOperations)
        self.peers = max(1, peers)
        self.clientKeys = max(1, clientKeys)
        self.deliveries = max(1, deliveries)
        self.exchanges = max(1, exchanges)
        self.companions = max(1, companions)
        self.refusals = max(1, refusals)
        self.responses = max(1, responses)
        self.responseBytes = max(1, responseBytes)
    }
}
