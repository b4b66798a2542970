// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Folds what repeats into one line with a count: the same kind, source and reason within a minute.
package struct AuditFold: Sendable {
    private struct Key: Hashable {
        var kind: AuditRecord.Kind
        var source: String?
        var reason: String
    }

    private static let window = Duration.seconds(60)
    private let limit: Int
    private var open: [Key: (since: WallTime, repeated: AuditRecord?)] = [:]

    package init(limit: Int = 1_024) { self.limit = max(1, limit) }

    /// - Returns: the line to be written now; `nil` for what is counted and comes later, or is one too many.
    package mutating func add(_ record: AuditRecord) -> AuditRecord? {
        let key = Key(kind: record.kind, source: record.source, reason: record.reason)
        if var entry = open[key] {
            let count = (entry.repeated?.count ?? 0).addingReportingOverflow(record.count)
            entry.repeated = record
            entry.repeated?.count = count.overflow ? .max : count.partialValue
            open[key] = entry
            return nil
        }
        guard open.count < limit else { return nil }
        open[key] = (record.at, nil)
        return record
    }

    /// The counted lines whose minute is over, also when the clock was set back.
    package mutating func due(now: WallTime) -> [AuditRecord] {
        let over = open.filter { !(.zero..<Self.window).contains(now.duration(since: $0.value.since)) }
        for key in over.keys { open[key] = nil }
        return over.values.compactMap(\.repeated).sorted { $0.at < $1.at }
    }

    /// Everything that has been counted, at the end.
    package mutating func drain() -> [AuditRecord] {
        defer { open = [:] }
        return open.values.compactMap(\.repeated).sorted { $0.at < $1.at }
    }
}
