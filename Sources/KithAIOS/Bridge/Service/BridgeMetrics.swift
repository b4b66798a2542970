// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

extension BridgeService {
    /// How the bridge is, for monitors. From memory.
    func metrics() -> [MetricFamily] {
        let (book, now, values) = (upstreams.book, services.clock.now, counters.values)
        return [
            MetricFamily(
                "kith_bridge_healthy", .gauge, "Whether a cell can be asked.",
                value: book.entries.contains { $0.isAvailable(now: now) } ? 1 : 0),
            MetricFamily(
                "kith_bridge_mode_changes_total", .counter, "Changes of the mode, by the mode that was reached.",
                [
                    .init(Double(values.toHealthy), ["mode": "healthy"]),
                    .init(Double(values.toDegraded), ["mode": "degraded"]),
                ]),
            MetricFamily(
                "kith_bridge_upstream_up", .gauge, "Whether this cell can be asked.",
                book.entries.map { .init($0.isAvailable(now: now) ? 1 : 0, ["upstream": upstreams.label($0.id)]) }),
            MetricFamily(
                "kith_bridge_upstream_outstanding", .gauge, "Requests that this cell is answering for the bridge.",
                book.entries.map { .init(Double($0.outstanding), ["upstream": upstreams.label($0.id)]) }),
            MetricFamily(
                "kith_bridge_upstream_set_aside_total", .counter, "Times a cell was set aside for what it answered.",
                value: Double(values.setAside)),
            answers(values),
            MetricFamily(
                "kith_bridge_queued_writes", .gauge, "Writes that wait for a cell.", value: Double(queue.count)),
            MetricFamily(
                "kith_bridge_replayed_writes_total", .counter, "Writes that a cell got after they had waited.",
                value: Double(values.replayed)),
            MetricFamily(
                "kith_bridge_dropped_writes_total", .counter, "Writes that were dropped because a cell refused them.",
                value: Double(values.dropped)),
        ]
    }

    private func answers(_ values: BridgeCounters.Values) -> MetricFamily {
        MetricFamily(
            "kith_bridge_answers_total", .counter, "Answers to clients, by where they come from.",
            [
                .init(Double(values.forwardedAssists), ["route": "code-assist", "source": "desktop_cell"]),
                .init(Double(values.ownAssists), ["route": "code-assist", "source": "bridge_fallback"]),
                .init(Double(values.forwardedSyncs), ["route": "sync-consciousness", "source": "desktop_cell"]),
                .init(Double(values.keptSyncs), ["route": "sync-consciousness", "source": "queued"]),
            ])
    }
}
