// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithStore
import KithTrust
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A node's own files, held by one process at a time.
package struct DataFolder: ~Copyable {
    let state: FilePath
    private let lock: FileDescriptor

    private init(state: FilePath, lock: FileDescriptor) {
        self.state = state
        self.lock = lock
    }

    /// Creates the folder when it is missing, readable by its owner only, and claims it.
    ///
    /// - Throws: ``NodeStartError`` when it cannot be used, or another process holds it.
    static func claim(_ path: String) throws -> DataFolder {
        let state = FilePath(path).appending("state")
        let lock: FileDescriptor
        do {
            try create(FilePath(path))
            try create(state)
            try create(state.appending("engine"))  // where the engine writes its log
            lock = try FileDescriptor.open(
                state.appending("lock"), .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
        } catch {
            throw NodeStartError(.dataFolder, "cannot use the data folder \(path)", cause: error)
        }
        guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            try? lock.close()  // the refusal below is what matters
            throw NodeStartError(
                .folderInUse, "another node runs on the data folder \(path); choose another with --data-dir")
        }
        return DataFolder(state: state, lock: lock)
    }

    /// Whether a process holds the folder now.
    package static func isHeld(_ path: String) -> Bool {
        // A lock that is not there, or cannot be opened, is held by nobody who could be asked.
        guard
            let lock = try? FileDescriptor.open(
                FilePath(path).appending("state/lock"), .readOnly, options: .closeOnExec)
        else { return false }
        defer { try? lock.close() }
        return flock(lock.rawValue, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// Whether a node ever ran on the folder.
    package static func holdsNode(_ path: String) -> Bool {
        let state = FilePath(path).appending("state")
        return [state.appending("kith.sqlite"), state.appending("identity")].contains { access($0.string, F_OK) == 0 }
    }

    var database: FilePath { state.appending("kith.sqlite") }
    var identity: FilePath { state.appending("identity") }

    deinit { try? lock.close() }  // at the end of the process nothing can be done about it

    /// For a change while the node does not run. A damaged database is refused: only a node that runs can have kin bring
    /// back what was in it.
    func openStore() throws(NodeStartError) -> Store {
        do { return try Store(path: database.string) } catch { throw NodeStartError(error) }
    }

    /// Reads who this node is, and makes it somebody on its very first start.
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

    private static func create(_ folder: FilePath) throws {
        var missing: [FilePath] = []
        var path = folder
        while !path.isEmpty, access(path.string, F_OK) != 0 {
            missing.append(path)
            path.removeLastComponent()
        }
        for path in missing.reversed() where mkdir(path.string, 0o700) != 0 && errno != EEXIST {
            throw Errno(rawValue: errno)
        }
    }
}
