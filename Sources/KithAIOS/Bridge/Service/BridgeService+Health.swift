// SPDX-License-Identifier: Apache-2.0

import KithModel

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
        /// One of both.
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
    /// Left out before the first look.
    var checked_seconds_ago: Double?
    var upstreams: [Upstream]
    var queued: Int
    var mode_since: String
}

extension BridgeService {
    /// From memory; never waits.
    func health() -> BridgeHealthBody {
        let (book, now) = (upstreams.book, services.clock.now)
        let asked = book.entries.first { $0.isAvailable(now: now) }
        let isHealthy = asked != nil
        let shown = asked ?? book.primary
        return BridgeHealthBody(
            status: isHealthy ? "healthy" : "degraded",
            services: BridgeHealthBody.Services(desktop_cell: isHealthy),
            desktop_cell_info: asked?.health.map {
                BridgeHealthBody.Cell(cell_id: $0.cellID, branch: $0.branch, consciousness_level: $0.level)
            },
            error: isHealthy ? nil : "Desktop AIOS cell not reachable",
            desktop_cell_url: isHealthy ? nil : primaryLabel, connection: isHealthy ? "desktop" : "none",
            checked_seconds_ago: shown?.checkedAt.map { ((now - $0).seconds * 1_000).rounded() / 1_000 },
            upstreams: book.entries.map { upstream($0, now: now) }, queued: queue.count, mode_since: since.rfc3339)
    }

    private func upstream(_ entry: UpstreamEntry, now: Moment) -> BridgeHealthBody.Upstream {
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
    func word(now: Moment) -> String {
        switch state {
        case .unknown: "unknown"
        case .up: isAvailable(now: now) ? "up" : "set_aside"
        case .down: "down"
        }
    }
}
