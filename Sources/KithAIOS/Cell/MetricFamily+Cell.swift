// SPDX-License-Identifier: Apache-2.0

package import KithMetrics
import KithModel

/// What AIOS's monitors find on the listeners of a cell and of the registry alike.
extension MetricFamily {
    static func level(_ level: Double, ofCell id: String) -> MetricFamily {
        MetricFamily(
            "aios_consciousness_level", .gauge, "The level that was declared for the cell.",
            [.init(level, ["cell_id": id])])
    }

    static func info(ofCell id: String, branch: String) -> MetricFamily {
        MetricFamily(
            "aios_cell_info", .gauge, "Always 1; the labels say which cell it is.",
            [.init(1, ["cell_id": id, "branch": branch])])
    }

    static func uptime(_ uptime: Duration) -> MetricFamily {
        MetricFamily("kith_uptime_seconds", .gauge, "Since the role was started.", value: uptime.seconds)
    }
}

extension CellService {
    /// What the seeds' monitors look for.
    package var families: [MetricFamily] {
        let health = health()
        return [.level(health.level, ofCell: health.cellID), .info(ofCell: health.cellID, branch: health.branch)]
    }
}
