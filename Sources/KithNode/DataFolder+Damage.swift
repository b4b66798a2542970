// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import KithTrust
import Logging
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension DataFolder {
    /// Damaged databases that are kept; the oldest is deleted for a further one.
    static let damagedLimit = 3

    /// Opens the database for a node that is to run, and reads what it starts with. A database that is damaged is set
    /// aside, which is logged, and a new one begun: kin bring back what they share.
    ///
    /// - Throws: ``NodeStartError`` for what that does not help against, such as a database of a newer kith.
    func openState(logger: Logger, now: WallTime = .now()) async throws(NodeStartError) -> (
        store: Store, log: LogSnapshot
    ) {
        do {
            return try await openWhole()
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
        do { return try await openWhole() } catch { throw NodeStartError(error) }
    }

    /// Where it is kept who is kin, for a node that loses its database.
    func kinBackup(logger: Logger) -> KinBackupFile {
        KinBackupFile(folder: identity) { problem in
            logger.error("who is kin is not safe outside of the database", metadata: ["reason": "\(problem)"])
        }
    }

    /// Reads all that a node needs before it listens, so that damage is met while something can be done about it.
    private func openWhole() async throws(StoreError) -> (store: Store, log: LogSnapshot) {
        let store = try Store(path: database.string)
        do throws(StoreError) {
            _ = try store.identityID()
            _ = try await store.trustOperations()
            _ = try await store.peerRecords()
            _ = try await store.clientKeys()
            return (store, try await store.logSnapshot())
        } catch {
            try? await store.close()  // what cannot be read cannot always be closed in order either
            throw error
        }
    }

    /// Renames the database and what belongs to it, the log first: a log without its database means nothing, but would be
    /// taken for that of the next one.
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

    /// The names of those that have been set aside, the oldest first.
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
