// SPDX-License-Identifier: Apache-2.0

import KithFiles
import KithModel
import Synchronization
import SystemPackage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The file beside a database in which its ``StoreAnchor`` is kept. Written by the process that holds the database; what has
/// been written is on the disk.
final class StoreAnchorFile: Sendable {
    private let path: FilePath
    private let database: FilePath
    private let anchor: Mutex<StoreAnchor>
    /// As it was found, and what that says about the database.
    let found: StoreAnchor
    private let hadJournal: Bool
    private let hadDatabase: Bool

    /// Looks at the files before the database is opened.
    ///
    /// - Throws: ``StoreError`` for a file that cannot be read: what was revoked would count again.
    init(besides database: FilePath) throws(StoreError) {
        let stem = database.stem ?? "database"
        path = database.removingLastComponent().appending("\(stem).anchor")
        self.database = database
        hadJournal = Self.size(database.string + "-wal") > 0
        hadDatabase = Self.size(database.string) > 0
        found = try Self.read(path)
        anchor = Mutex(found)
    }

    /// What the database has lost, which says that its sequence is this.
    func loss(sequence: UInt32) -> StoreLoss? {
        found.loss(sequence: hadDatabase ? sequence : nil, hasJournal: hadJournal)
    }

    /// - Throws: `Errno`.
    func revoke(_ key: String, at time: WallTime) throws {
        try update { $0.revoke(key, at: time) }
    }

    /// The database has this sequence on disk.
    ///
    /// - Throws: ``StoreError``.
    func reached(_ sequence: UInt32) throws(StoreError) {
        do { try update { $0.sequence = max($0.sequence, sequence) } } catch { throw failure(error) }
    }

    /// Whether the database has a journal now, which it has from when it is opened until it is closed.
    ///
    /// - Throws: ``StoreError``.
    func noteJournal() throws(StoreError) {
        let hasJournal = Self.size(database.string + "-wal") > 0
        do { try update { $0.isOpen = hasJournal } } catch { throw failure(error) }
    }

    private func update(_ change: (inout StoreAnchor) -> Void) throws {
        try anchor.withLock { anchor in
            var changed = anchor
            change(&changed)
            if changed == anchor { return }
            try DurableFile.replace(path, with: changed.encoded)
            anchor = changed
        }
    }

    private func failure(_ error: any Error) -> StoreError {
        let code: StoreError.Code = error as? Errno == .noSpace ? .full : .inaccessible
        return StoreError(
            code, "The file \(path), by which a lost database is noticed, cannot be written; check its disk.",
            cause: error)
    }

    private static func read(_ path: FilePath) throws(StoreError) -> StoreAnchor {
        do {
            guard let anchor = StoreAnchor(try RegularFile.read(path, limit: StoreAnchor.byteLimit)) else {
                throw StoreError(
                    .inaccessible,
                    """
                    The file \(path) is damaged, which says what keys were revoked; move it away, look at the keys with \
                    kith key list, revoke those that should not be there, and start again.
                    """)
            }
            return anchor
        } catch Errno.noSuchFileOrDirectory, Errno.notDirectory {
            return StoreAnchor()  // whether there can be a database is found out next
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(
                .inaccessible, "The file \(path) cannot be read; check its owner and permissions.", cause: error)
        }
    }

    /// 0 also for a file that is not there.
    private static func size(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }
}
