// SPDX-License-Identifier: Apache-2.0

/// A line of the audit trail as it is kept.
package struct AuditEntry: Hashable, Sendable {
    /// Larger than those of all earlier lines.
    package var id: Int64
    package var record: AuditRecord

    package init(id: Int64, record: AuditRecord) {
        self.id = id
        self.record = record
    }
}

/// Which lines of the audit trail are wanted.
package struct AuditQuery: Hashable, Sendable {
    package static let largestLimit = 10_000

    /// Empty stands for all.
    package var kinds: Set<AuditRecord.Kind>
    /// An address, or any of its network; see ``AddressNetwork``.
    package var source: String?
    package var since: WallTime?
    /// Lines with a larger id only.
    package var after: Int64
    package var limit: Int

    package init(
        kinds: Set<AuditRecord.Kind> = [], source: String? = nil, since: WallTime? = nil, after: Int64 = 0, limit: Int
    ) {
        self.kinds = kinds
        self.source = source
        self.since = since
        self.after = after
        self.limit = min(max(0, limit), Self.largestLimit)
    }

    package func wants(_ record: AuditRecord) -> Bool {
        guard kinds.isEmpty || kinds.contains(record.kind), since.map({ record.at >= $0 }) ?? true else { return false }
        guard let source else { return true }
        return record.source.map {
            $0 == source || AddressNetwork(of: $0).description == source
                || AddressNetwork(of: $0) == AddressNetwork(of: source)
        } ?? false
    }
}
