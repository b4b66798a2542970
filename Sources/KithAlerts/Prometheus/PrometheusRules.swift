// SPDX-License-Identifier: Apache-2.0

import KithModel

/// The table of conditions as a file of alerting rules for Prometheus
/// (https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/).
package enum PrometheusRules {
    /// The whole file, with a line end at its end.
    package static func text(_ rules: AlertRules = AlertRules()) -> String {
        var lines = [
            "# SPDX-License-Identifier: Apache-2.0",
            "# Made by: kith alerts --prometheus-rules; a test holds it to the table in the source.",
            "groups:",
            "  - name: kith",
            "    rules:",
        ]
        for rule in rules.rules { lines += self.lines(rule, keep: rules.keep) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(_ rule: AlertRule, keep: Duration) -> [String] {
        var lines = [
            "      - alert: \(rule.condition.prometheusName)",
            "        expr: |-",
            "          \(rule.expression) \(rule.comparison.rawValue) \(number(rule.threshold))",
        ]
        if let more = rule.guardExpression { lines.append("            and \(more)") }
        if rule.hold > .zero { lines.append("        for: \(duration(rule.hold))") }
        let subject = rule.subject == .peer ? "{{ $labels.peer }}" : "{{ $labels.instance }}"
        return lines + [
            "        keep_firing_for: \(duration(keep))",
            "        labels:",
            "          severity: \(rule.severity.rawValue)",
            "        annotations:",
            "          summary: '\(rule.sentence(subject).replacing("'", with: "''"))'",
        ]
    }

    private static func number(_ value: Double) -> String { Int64(exactly: value).map(String.init) ?? "\(value)" }

    private static func duration(_ duration: Duration) -> String {
        let seconds = Int64(duration.seconds.rounded(.up))
        return seconds > 0 && seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
}
