// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What a bridge says of itself and of its cell.
struct BridgeSight: Sendable {
    var health: JSONValue?
    var address: HTTPAddress

    var findings: [Finding] {
        let services = health?["services"]
        let isDegraded =
            health?["status"]?.stringValue == "degraded" || services?["desktop_cell"]?.boolValue == false
        guard isDegraded else {
            let cell = health?["desktop_cell_info"]?["cell_id"].map { " \(SeedSight.text($0))" } ?? ""
            return [Finding(.service, "bridge", .ok, "healthy: it reaches its cell\(cell)", of: "\(address)")]
        }
        let why = health?["error"]?.stringValue.map { ": \($0.prefix(200))" } ?? ""
        let cell = health?["desktop_cell_url"]?.stringValue.map { " (\($0.prefix(200)))" } ?? ""
        return [
            Finding(
                .service, "bridge", .warning, "the bridge is degraded\(why)\(cell)", fix: fix, of: "\(address)")
        ]
    }

    /// What the bridge says is its cell goes into a command only as host and port.
    private var fix: Finding.Fix {
        guard let cell = health?["desktop_cell_url"]?.stringValue.flatMap({ HTTPAddress($0) }) else {
            return Finding.Fix(
                "tell the bridge of a cell, in bridge.upstreams (AIOS_DESKTOP_CELL), or pair a machine that is one")
        }
        return Finding.Fix(
            "the cell is what is missing: on the bridge's machine, see which step to it fails",
            command: "kith doctor --url \(cell.scheme.rawValue)://\(cell.authority)")
    }
}
