// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Makes one line out of many for the audit trail, so that a flood cannot fill it.
///
/// A pure value. The first event of a kind, source and reason is a record at once; a source is what one client usually has to
/// itself (`AddressNetwork`), so that addresses without end are not sources without end. What repeats it within the window is
/// counted, and becomes one record when the window ends; then the next window begins, until one passes without any.
package struct AuditAggregator: Sendable {
    package static let window: Duration = .seconds(60)
    /// The most combinations that are counted separately. Events beyond it are counted per kind, without a source.
    package static let limit = 1_024
    /// The reason of events beyond the limit.
    package static let others = "others"

    private struct Key: Hashable {
        let kind: AuditRecord.Kind
        /// An address of the network stands for it.
        let network: AddressNetwork?
        let reason: String
    }

    private struct Count {
        var ends: MonotonicInstant
        var repetitions = 0
        var last: WallTime
        /// `nil` once repetitions were about several subjects.
        var subject: String?
        /// The network once repetitions came from several addresses of it.
        var source: String?
    }

    private var counts: [Key: Count] = [:]
    /// When the first window ends, or sooner. `nil` when nothing is being counted.
    package private(set) var nextDue: MonotonicInstant?

    package init() {}

    /// - Returns: What is to be written now: what became due, and the event itself unless it was counted.
    package mutating func record(
        _ kind: AuditRecord.Kind, subject: String?, source: String?, reason: String, at time: WallTime,
        now: MonotonicInstant
    ) -> [AuditRecord] {
        var records = due(now: now)
        var key = Key(kind: kind, network: source.map { AddressNetwork(of: $0) }, reason: reason)
        var (subject, source) = (subject, source)
        if counts[key] == nil, counts.count >= Self.limit {
            key = Key(kind: kind, network: nil, reason: Self.others)
            (subject, source) = (nil, nil)
        }
        guard var count = counts[key] else {
            counts[key] = Count(ends: now + Self.window, last: time, subject: nil, source: source)
            nextDue = nextDue.map { min($0, now + Self.window) } ?? now + Self.window
            records.append(AuditRecord(at: time, kind: kind, subject: subject, source: source, reason: key.reason))
            return records
        }
        count.subject = count.repetitions == 0 || count.subject == subject ? subject : nil
        count.source = count.source == source ? source : key.network?.description
        count.repetitions += 1
        count.last = time
        counts[key] = count
        return records
    }

    /// What was counted in windows that have ended.
    package mutating func due(now: MonotonicInstant) -> [AuditRecord] {
        guard let nextDue, now >= nextDue else { return [] }
        return collect { now >= $0.ends ? now + Self.window : nil }
    }

    /// What has been counted so far; for the end of the process.
    package mutating func flush() -> [AuditRecord] {
        defer {
            counts = [:]
            nextDue = nil
        }
        return collect { $0.ends }
    }

    /// - Parameter ending: the end of the next window of a count whose window has ended; `nil` when it has not.
    private mutating func collect(_ ending: (Count) -> MonotonicInstant?) -> [AuditRecord] {
        var records: [AuditRecord] = []
        for (key, count) in counts {
            guard let next = ending(count) else { continue }
            guard count.repetitions > 0 else {
                counts[key] = nil
                continue
            }
            records.append(
                AuditRecord(
                    at: count.last, kind: key.kind, subject: count.subject, source: count.source, reason: key.reason,
                    count: count.repetitions))
            counts[key] = Count(ends: next, last: count.last, subject: nil, source: count.source)
        }
        nextDue = counts.values.map(\.ends).min()
        return records.sorted {
            ($0.at, $0.kind.rawValue, $0.source ?? "") < ($1.at, $1.kind.rawValue, $1.source ?? "")
        }
    }
}
