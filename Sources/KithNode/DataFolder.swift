// SPDX-License-Identifier: Apache-2.0

import KithFiles
import KithModel
import KithStore
import KithTrust
import Logging
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A node's own files, held by one process at a time.
package struct DataFolder: ~Copyable {
    let state: FilePath
    private let lock: FileLock

    private init(state: FilePath, lock: consuming FileLock) {
        self.state = state
        self.lock = lock
    }

    /// Creates the folder when it is missing, readable by its owner only, and claims it.
    ///
    /// - Throws: ``NodeStartError`` when it cannot be used, or another process holds it.
    static func claim(_ path: String) throws -> DataFolder {
        let state = FilePath(path).appending("state")
        if let exposure = FolderExposure.ofDataFolder(path) {
            throw NodeStartError(.dataFolder, "cannot use the data folder: \(exposure)")
        }
        do {
            try PrivateDirectory.create(state)
            try PrivateDirectory.create(state.appending("engine"))  // where the engine writes its log
            let lock = try FileLock.claim(state.appending("lock"))
            // What a run before left behind when it crashed would lead commands to whoever has its port and its number now.
            ControlFile.remove(dataDirectory: path)
            return DataFolder(state: state, lock: lock)
        } catch is FileLock.Held {
            throw NodeStartError(
                .folderInUse,
                "a node runs on the data folder \(path) already: kith status shows it, kith down stops it; another one needs "
                    + "another --data-dir")
        } catch {
            throw NodeStartError(.dataFolder, "cannot use the data folder \(path)", cause: error)
        }
    }

    /// Creates the folder when it is missing, readable by its owner only, for what is written there before a node starts.
    ///
    /// - Throws: ``NodeStartError`` when it cannot be used.
    package static func prepare(_ path: String) throws(NodeStartError) {
        if let exposure = FolderExposure.ofDataFolder(path) {
            throw NodeStartError(.dataFolder, "cannot use the data folder: \(exposure)")
        }
        do {
            try PrivateDirectory.create(FilePath(path).appending("state"))
        } catch {
            throw NodeStartError(.dataFolder, "cannot use the data folder \(path)", cause: error)
        }
    }

    /// Removes what nodes write into a folder, and the folder if nothing else is in it: it may be somebody's project too.
    ///
    /// - Returns: Whether the folder itself has gone.
    /// - Throws: ``NodeStartError`` while a node runs on it, and when it cannot be removed.
    package static func remove(_ path: String) throws(NodeStartError) -> Bool {
        guard !isHeld(path) else {
            throw NodeStartError(.folderInUse, "a node runs on \(path); stop it first: kith down")
        }
        let folder = URL(filePath: path).resolvingSymlinksInPath().path
        do {
            try FileManager.default.removeItem(atPath: folder + "/state")
        } catch {
            throw NodeStartError(.dataFolder, "\(folder)/state cannot be removed", cause: error)
        }
        // A package's node has a link there, to settings that go with the package.
        if (try? Stat(FilePath(folder).appending("config"), followTargetSymlink: false).type) == .directory {
            unlink(folder + "/config/kith.yaml")
            rmdir(folder + "/config")
        }
        guard rmdir(folder) == 0 else { return false }
        if folder != path { unlink(path) }  // what led there
        return true
    }

    /// Whether a process holds the folder now.
    package static func isHeld(_ path: String) -> Bool {
        FileLock.isHeld(FilePath(path).appending("state/lock"))
    }

    /// Whether a node ever ran on the folder.
    package static func holdsNode(_ path: String) -> Bool {
        let state = FilePath(path).appending("state")
        return [state.appending("kith.sqlite"), state.appending("identity")].contains { access($0.string, F_OK) == 0 }
    }

    var database: FilePath { state.appending("kith.sqlite") }
    var identity: FilePath { state.appending("identity") }

    /// Opens the database for a change while the node does not run. A damaged one is refused: only a running node can
    /// get its content back from kin.
    func openStore() throws(NodeStartError) -> Store {
        do { return try Store(path: database.string) } catch { throw NodeStartError(error) }
    }

    /// Reads this node's identity, and makes one on its very first start.
    func openIdentity(store: Store) throws -> NodeIdentity {
        do {
            let expected = try store.identityID()
            let identity = try NodeIdentity.open(folder: self.identity, expected: expected, now: .now())
            if expected == nil { try store.setIdentityID(identity.id) }
            return identity
        } catch let error as IdentityError {
            throw NodeStartError(.identity, "\(error.message) \(error.fix)", cause: error.cause)
        } catch let error as StoreError {
            throw NodeStartError(error)
        }
    }
}

extension DataFolder {
    /// Most damaged databases that are kept; beyond that the oldest is deleted.
    static let damagedLimit = 3

    /// Opens the database for a node that is to run, and reads what it starts with. A damaged database is set aside,
    /// which is logged, and a new one is begun: kin bring back what they share.
    ///
    /// - Throws: ``NodeStartError`` when that does not help, as with a database of a newer kith.
    func openState(logger: Logger, now: WallTime = .now()) async throws(NodeStartError) -> (
        store: Store, log: LogSnapshot
    ) {
        do {
            let opened = try await openWhole()
            try await tell(of: opened.store.loss, in: opened.store, logger: logger, now: now)
            return opened
        } catch {
            guard error.code == .damaged else { throw NodeStartError(error) }
            let aside = try setAside(at: now)
            logger.error(
                "the database is damaged and has been set aside, and the node begins a new one",
                metadata: [
                    "file": "\(aside)", "reason": "\(error.cause.map { "\($0)" } ?? error.message)",
                    "lost": "conversations and feedback, clients' keys, kith, the audit trail, writes that waited",
                    "comes_back":
                        "who is kin, from \(identity.appending("kin")); levels, context and insights, from kin",
                ])
        }
        do {
            let opened = try await openWhole()
            try await tell(of: opened.store.loss, in: opened.store, logger: logger, now: now)
            return opened
        } catch {
            throw NodeStartError(error)
        }
    }

    /// Says what the database has lost: in the log now, and in the audit trail for later.
    private func tell(
        of loss: StoreLoss?, in store: Store, logger: Logger, now: WallTime
    ) async throws(StoreError) {
        guard let loss else { return }
        logger.error(
            "\(loss)",
            metadata: [
                "file": "\(database)", "kept": "keys that were revoked stay revoked",
                "look_at": "kith key list, kith peers, and the backup if there is one",
            ])
        try await store.appendAudit([AuditRecord(at: now, kind: .storeOlder, reason: loss.description)])
    }

    /// The backup of who is kin, for a node that loses its database.
    func kinBackup(logger: Logger) -> KinBackupFile {
        KinBackupFile(folder: identity) { problem in
            logger.error("who is kin is not safe outside of the database", metadata: ["reason": "\(problem)"])
        }
    }

    /// Reads all that a node needs before it listens, so that damage is found while something can be done about it.
    private func openWhole() async throws(StoreError) -> (store: Store, log: LogSnapshot) {
        let store = try Store(path: database.string)
        do throws(StoreError) {
            let own = try store.identityID()
            let statements = try await store.trustOperations()
            // A node that never had kin, or has a new identity, has nobody's writes but its own.
            if let own, !statements.isEmpty {
                var ledger = TrustLog(root: own)
                _ = ledger.insert(statements)
                try await store.keepLogs(of: Set(ledger.resolution.kin.keys).union([own]))
            }
            _ = try await store.peerRecords()
            _ = try await store.clientKeys()
            return (store, try await store.logSnapshot())
        } catch {
            try? await store.close()  // what cannot be read cannot always be closed in order either
            throw error
        }
    }

    /// Renames the database and the files that belong to it, the log first: a log left behind would be taken for that
    /// of the next database.
    ///
    /// - Returns: the new name.
    private func setAside(at now: WallTime) throws(NodeStartError) -> FilePath {
        let digits = now.rfc3339.prefix(19).filter { $0 != "-" && $0 != ":" }
        do {
            let kept = try damagedDatabases()
            var aside = FilePath("\(database).damaged-\(digits)Z")
            for number in 2...99 where kept.contains(aside.lastComponent?.string ?? "") {
                aside = FilePath("\(database).damaged-\(digits)Z-\(number)")
            }
            for suffix in ["-wal", "-shm", ""] {
                if rename(database.string + suffix, aside.string + suffix) != 0, errno != ENOENT {
                    throw Errno(rawValue: errno)
                }
            }
            for name in try damagedDatabases().dropLast(Self.damagedLimit) {
                for suffix in ["-wal", "-shm", ""] { unlink(state.appending(name).string + suffix) }
            }
            return aside
        } catch {
            throw NodeStartError(
                .dataFolder, "the database \(database) is damaged, and cannot be set aside", cause: error)
        }
    }

    /// The names of the databases that were set aside, the oldest first.
    private func damagedDatabases() throws -> [String] {
        let prefix = (database.lastComponent?.string ?? "") + ".damaged-"
        let names = try FileManager.default.contentsOfDirectory(atPath: state.string).filter { $0.hasPrefix(prefix) }
        return Set(
            names.map { name in
                let suffix = ["-wal", "-shm"].first { name.hasSuffix($0) }
                return String(name.dropLast(suffix?.count ?? 0))
            }
        ).sorted()
    }
}

extension NodeStartError {
    init(_ error: StoreError) { self.init(.dataFolder, error.message, cause: error.cause) }
}
