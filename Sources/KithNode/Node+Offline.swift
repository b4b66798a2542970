// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel
import KithStore
import KithTrust
import SystemPackage

/// Clients' keys of a node that does not run, such as one that needs a key before it may listen on the network.
///
/// All functions throw ``NodeStartError`` when the folder cannot be used, or a node runs on it.
extension Node {
    package static func createKey(
        _ wanted: ControlMessage.KeyRequest, dataDirectory: String, now: WallTime
    ) async throws -> ControlMessage.NewKey {
        let limits = try wanted.limits?.checked() ?? KeyLimits()
        return try await withStore(dataDirectory) { store in
            let key = ClientKey()
            let record = key.record(
                name: wanted.name, scopes: Set(wanted.scopes), createdAt: now,
                expiresAt: wanted.expiresSeconds.map { now.advanced(by: .seconds($0)) }, limits: limits)
            try await store.insert(record)
            let scopes = wanted.scopes.map(\.rawValue).joined(separator: " ")
            try await store.appendAudit([
                AuditRecord(at: now, kind: .keyCreated, subject: record.id, reason: "scopes \(scopes)")
            ])
            return ControlMessage.NewKey(
                key: key.text.reveal(), details: ControlMessage.Key(record, now: now))
        }
    }

    package static func keys(dataDirectory: String, now: WallTime) async throws -> ControlMessage.Keys {
        guard DataFolder.holdsNode(dataDirectory) else { return ControlMessage.Keys(keys: []) }
        return try await withStore(dataDirectory) { store in
            let used = try await store.tokensUsed(on: UTCDay(now))
            return ControlMessage.Keys(
                keys: try await store.clientKeys().map {
                    ControlMessage.Key($0, now: now, tokensToday: used[$0.id] ?? 0)
                })
        }
    }

    /// - Returns: `nil` when there is no such key.
    package static func revokeKey(
        _ id: String, dataDirectory: String, now: WallTime
    ) async throws -> ControlMessage.Key? {
        guard DataFolder.holdsNode(dataDirectory) else { return nil }
        return try await withStore(dataDirectory) { store in
            if try await store.revokeKey(id, at: now) {
                try await store.appendAudit([
                    AuditRecord(at: now, kind: .keyRevoked, subject: id, reason: "asked for")
                ])
            }
            return try await store.clientKeys().first { $0.id == id }.map { ControlMessage.Key($0, now: now) }
        }
    }

    private static func withStore<Value>(
        _ dataDirectory: String, _ work: (Store) async throws -> Value
    ) async throws -> Value {
        let folder = try DataFolder.claim(dataDirectory)
        let store = try folder.openStore()
        do {
            let value = try await work(store)
            try await store.close()
            withExtendedLifetime(folder) {}
            return value
        } catch let error as StoreError {
            throw NodeStartError(.dataFolder, error.message, cause: error.cause)
        }
    }
}

/// A node's new identity.
package struct Rekeying: Sendable {
    package var id: NodeID
    /// Where the old key and certificate are kept, if there were any.
    package var kept: String?
}

extension Node {
    /// Gives a node that does not run a new identity. Its peers know the old one: all pairings must be made anew.
    ///
    /// The key comes before the database: a crash between them leaves a node that refuses to start and asks for this again.
    ///
    /// - Throws: ``NodeStartError`` when there is no node in the folder, it runs, or its files cannot be used.
    package static func rekey(dataDirectory: String, now: WallTime) async throws -> Rekeying {
        guard DataFolder.holdsNode(dataDirectory) else {
            throw NodeStartError(
                .dataFolder, "there is no node in \(dataDirectory); name its folder with --data-dir")
        }
        let folder = try DataFolder.claim(dataDirectory)
        let store = try folder.openStore()
        let renewed: (identity: NodeIdentity, kept: FilePath?)
        do {
            renewed = try NodeIdentity.renew(folder: identityFolder(in: dataDirectory), now: now)
        } catch {
            throw NodeStartError(.dataFolder, "no new identity can be made: \(error.message) \(error.fix)")
        }
        do {
            try await store.startAnew(as: renewed.identity.id)
            try await store.appendAudit([
                AuditRecord(
                    at: now, kind: .identityRenewed, subject: renewed.identity.id.description,
                    reason: "asked by the owner")
            ])
            try await store.close()
        } catch {
            throw NodeStartError(
                .dataFolder,
                "the new identity was made, and the database does not know it yet: \(error.message) "
                    + "Run kith rekey again.")
        }
        withExtendedLifetime(folder) {}
        return Rekeying(id: renewed.identity.id, kept: renewed.kept?.string)
    }

    private static func identityFolder(in dataDirectory: String) -> FilePath {
        FilePath(dataDirectory).appending("state").appending("identity")
    }
}
