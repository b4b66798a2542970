// SPDX-License-Identifier: Apache-2.0

import KithMetrics
package import KithModel
import Synchronization

/// The answer to `GET /health`, in both modes; keys that do not belong to the mode are left out.
struct BridgeHealthBody: Encodable {
    struct Services: Encodable {
        var desktop_cell: Bool
        var bridge = true
    }

    struct Cell: Encodable {
        var cell_id: String
        var branch: String
        var consciousness_level: Double
    }

    /// Added by kith.
    struct Upstream: Encodable {
        /// Either this or `node`.
        var url: String?
        var node: String?
        var state: String
        var reason: String?
        var cell_id: String?
        var level: Double?
    }

    var status: String
    var services: Services
    var desktop_cell_info: Cell?
    var error: String?
    var desktop_cell_url: String?
    var connection: String
    /// Left out before the first probe.
    var checked_seconds_ago: Double?
    var upstreams: [Upstream]
    var queued: Int
    var mode_since: String
}

extension BridgeService {
    /// From memory; never waits.
    func health() -> BridgeHealthBody {
        let (selector, now) = (upstreams.selector, services.clock.now)
        let asked = selector.entries.first { $0.isAvailable(now: now) }
        let isHealthy = asked != nil
        let shown = asked ?? selector.primary
        return BridgeHealthBody(
            status: isHealthy ? "healthy" : "degraded",
            services: BridgeHealthBody.Services(desktop_cell: isHealthy),
            desktop_cell_info: asked?.health.map {
                BridgeHealthBody.Cell(cell_id: $0.cellID, branch: $0.branch, consciousness_level: $0.level)
            },
            error: isHealthy ? nil : "Desktop AIOS cell not reachable",
            desktop_cell_url: isHealthy ? nil : primaryLabel, connection: isHealthy ? "desktop" : "none",
            checked_seconds_ago: shown?.checkedAt.map { ((now - $0).seconds * 1_000).rounded() / 1_000 },
            upstreams: selector.entries.map { upstream($0, now: now) }, queued: queue.count, mode_since: since.rfc3339)
    }

    /// The mode, the cells, and the modes before, as `GET /api/bridge` says it. From memory.
    package var report: JSONObject {
        let now = services.clock.now
        let cells = upstreams.selector.entries.map { entry -> JSONValue in
            let cell = upstream(entry, now: now)
            var fields: JSONObject = ["state": .string(cell.state)]
            for (name, value) in [("url", cell.url), ("node", cell.node), ("reason", cell.reason)] {
                fields[name] = value.map { .string($0) }
            }
            return .object(fields)
        }
        let before = history.map { change -> JSONValue in
            var fields: JSONObject = ["mode": .string(change.mode.rawValue), "at": .string(change.at.rfc3339)]
            fields["reason"] = change.reason.map { .string($0) }
            return .object(fields)
        }
        return [
            "mode": .string(upstreams.selector.mode.rawValue), "since": .string(since.rfc3339),
            "upstreams": .array(cells), "history": .array(before), "queued": .integer(Int64(queue.count)),
        ]
    }

    /// Why the bridge answers by itself; `nil` while a cell can be asked.
    package var whyDegraded: String? {
        let now = services.clock.now
        guard !upstreams.selector.entries.contains(where: { $0.isAvailable(now: now) }) else { return nil }
        return "the bridge has no cell to ask and answers by itself"
    }

    private func upstream(_ entry: UpstreamEntry, now: MonotonicInstant) -> BridgeHealthBody.Upstream {
        let label = upstreams.label(entry.id)
        var shown = BridgeHealthBody.Upstream(
            state: entry.word(now: now), reason: entry.obstacle(now: now), cell_id: entry.health?.cellID,
            level: entry.health?.level)
        switch entry.id {
        case .address: shown.url = label
        case .kin: shown.node = String(label.trimmingPrefix("kin:"))
        }
        return shown
    }
}

extension UpstreamEntry {
    /// As health and metrics show it.
    func word(now: MonotonicInstant) -> String {
        switch state {
        case .unknown: "unknown"
        case .up: isAvailable(now: now) ? "up" : "set_aside"
        case .down: "down"
        }
    }
}

extension BridgeService {
    /// How the bridge is, for monitors. From memory.
    func metrics() -> [MetricFamily] {
        let (selector, now, values) = (upstreams.selector, services.clock.now, counters.values)
        return [
            MetricFamily(
                "kith_bridge_healthy", .gauge, "Whether a cell can be asked.",
                value: selector.entries.contains { $0.isAvailable(now: now) } ? 1 : 0),
            MetricFamily(
                "kith_bridge_mode_changes_total", .counter, "Changes of the mode, by the mode that was reached.",
                [
                    .init(Double(values.toHealthy), ["mode": "healthy"]),
                    .init(Double(values.toDegraded), ["mode": "degraded"]),
                ]),
            MetricFamily(
                "kith_bridge_upstream_up", .gauge, "Whether this cell can be asked.",
                selector.entries.map { .init($0.isAvailable(now: now) ? 1 : 0, ["upstream": upstreams.label($0.id)]) }),
            MetricFamily(
                "kith_bridge_upstream_outstanding", .gauge, "Requests that this cell is answering for the bridge.",
                selector.entries.map { .init(Double($0.outstanding), ["upstream": upstreams.label($0.id)]) }),
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

/// What a bridge has counted since its start.
final class BridgeCounters: Sendable {
    struct Values: Sendable {
        var toHealthy: UInt64 = 0
        var toDegraded: UInt64 = 0
        var forwardedAssists: UInt64 = 0
        var ownAssists: UInt64 = 0
        var forwardedSyncs: UInt64 = 0
        var keptSyncs: UInt64 = 0
        var replayed: UInt64 = 0
        var dropped: UInt64 = 0
        /// Times an upstream was set aside.
        var setAside: UInt64 = 0
    }

    private let state = Mutex(Values())

    var values: Values { state.withLock { $0 } }

    func count(_ change: @Sendable (inout Values) -> Void) { state.withLock { change(&$0) } }
}
