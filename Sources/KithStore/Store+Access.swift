// SPDX-License-Identifier: Apache-2.0

import GRDB
package import KithModel

extension Store {
    /// All keys of clients, oldest first, with those that expired and the latest that were revoked.
    package func clientKeys() async throws(StoreError) -> [ClientKeyRecord] {
        try await read { db in try ClientKeyRow.fetchAll(db).map(\.key) }
    }

    /// - Throws: ``StoreError`` with ``StoreError/Code/limitReached``, or ``StoreError/Code/refused`` when the id or the
    ///   digest is another key's, or the key has no scope or name.
    package func insert(_ key: ClientKeyRecord) async throws(StoreError) {
        try await write { [limits] db in
            try ClientKeyRow.insert(key, in: db)
            guard try ClientKeyRow.countUsable(db) <= limits.clientKeys else {
                throw StoreError(.limitReached, "There are \(limits.clientKeys) keys; revoke one first.")
            }
        }
    }

    /// - Returns: whether there was such a key that had not been revoked.
    @discardableResult
    package func revokeKey(_ id: String, at time: WallTime) async throws(StoreError) -> Bool {
        try await write { [limits] db in
            guard try ClientKeyRow.revoke(id, at: time, in: db) else { return false }
            try ClientKeyRow.dropRevoked(keeping: limits.clientKeys, in: db)
            return true
        }
    }

    /// Writes lines to the audit trail; the oldest go where there are more than ``StoreLimits/audit``.
    package func appendAudit(_ records: [AuditRecord]) async throws(StoreError) {
        if records.isEmpty { return }
        try await write { [limits] db in
            for record in records.suffix(limits.audit) { try AuditRow.insert(record, in: db) }
            try AuditRow.dropOldest(keeping: limits.audit, in: db)
        }
    }

    /// The last lines of the audit trail, newest first.
    package func audit(limit: Int) async throws(StoreError) -> [AuditRecord] {
        let held = min(max(0, limit), limits.audit)
        return try await read { db in try AuditRow.fetchLast(held, in: db) }
    }
}
