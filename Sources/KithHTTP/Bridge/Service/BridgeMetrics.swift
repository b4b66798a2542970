// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithSync

extension BridgeService {
    /// What `GET /metrics` answers, in Prometheus' text format, version 0.0.4.
    func metrics() -> String {
        var text = MetricsText()
        let (book, now, values) = (upstreams.book, services.clock.now, counters.values)
        text.add("kith_bridge_healthy", .gauge, "Whether a cell can be asked.", [([], book.mode == .healthy ? 1 : 0)])
        text.add(
            "kith_bridge_mode_changes_total", .counter, "Changes of the mode, by the mode that was reached.",
            [([("mode", "healthy")], Double(values.toHealthy)), ([("mode", "degraded")], Double(values.toDegraded))])
        text.add(
            "kith_bridge_upstream_up", .gauge, "Whether this cell can be asked.",
            book.entries.map { ([("upstream", upstreams.label($0.id))], $0.isAvailable(now: now) ? 1 : 0) })
        text.add(
            "kith_bridge_upstream_outstanding", .gauge, "Requests that this cell is answering for the bridge.",
            book.entries.map { ([("upstream", upstreams.label($0.id))], Double($0.outstanding)) })
        text.add(
            "kith_bridge_upstream_set_aside_total", .counter, "Times a cell was set aside for what it answered.",
            [([], Double(values.setAside))])
        text.add(
            "kith_bridge_answers_total", .counter, "Answers to clients, by where they come from.",
            [
                ([("route", "code-assist"), ("source", "desktop_cell")], Double(values.forwardedAssists)),
                ([("route", "code-assist"), ("source", "bridge_fallback")], Double(values.ownAssists)),
                ([("route", "sync-consciousness"), ("source", "desktop_cell")], Double(values.forwardedSyncs)),
                ([("route", "sync-consciousness"), ("source", "queued")], Double(values.keptSyncs)),
            ])
        text.add(
            "kith_bridge_queued_writes", .gauge, "Writes that wait for a cell.", [([], Double(queue.count))])
        text.add(
            "kith_bridge_replayed_writes_total", .counter, "Writes that a cell got after they had waited.",
            [([], Double(values.replayed))])
        text.add(
            "kith_bridge_dropped_writes_total", .counter, "Writes that were dropped because a cell refused them.",
            [([], Double(values.dropped))])
        return text.text
    }
}

/// Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/).
private struct MetricsText {
    enum Kind: String { case counter, gauge }

    private(set) var text = ""

    mutating func add(
        _ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: [(String, String)], value: Double)]
    ) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
            text += labels.isEmpty ? name : "\(name){\(labels)}"
            text += " \(Int64(exactly: sample.value).map(String.init) ?? String(sample.value))\n"
        }
    }

    private static func escaped(_ value: String) -> String {
        value.reduce(into: "") { escaped, character in
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.append(character)
            }
        }
    }
}
