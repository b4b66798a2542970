// SPDX-License-Identifier: Apache-2.0

package import KithDialects
package import KithModel
import KithStore
import KithTrust

/// Clients' keys of a node that does not run, such as one that needs a key before it may listen on the network.
///
/// All throw ``NodeStartError`` when the folder cannot be used, or a node runs on it.
extension Node {
    package static func createKey(
        _ wanted: ControlMessage.KeyRequest, dataDirectory: String, now: WallTime
    ) async throws -> ControlMessage.NewKey {
        try await withStore(dataDirectory) { store in
            let key = ClientKey()
            let record = key.record(
                name: wanted.name, scopes: Set(wanted.scopes), createdAt: now,
                expiresAt: wanted.expiresSeconds.map { now.advanced(by: .seconds($0)) })
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
            ControlMessage.Keys(keys: try await store.clientKeys().map { ControlMessage.Key($0, now: now) })
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
