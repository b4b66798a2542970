// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Metrics as monitors read them: Prometheus' text format 0.0.4, or OpenMetrics 1.0, which also has exemplars.
package enum MetricsText: Sendable {
    case prometheus, openMetrics

    /// The format that a client prefers; Prometheus' own unless OpenMetrics is wanted at least as much.
    ///
    /// - Parameter accept: The value of the field `Accept` (RFC 9110, section 12.5.1).
    package init(accept: String?) {
        var (plain, open) = (0.0, 0.0)
        for range in (accept ?? "").prefix(1_024).split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
            let weight = parts.dropFirst().lazy.compactMap { $0.hasPrefix("q=") ? Double($0.dropFirst(2)) : nil }.first
            switch parts.first {
            // Of other versions than 1.0 nothing is known here.
            case "application/openmetrics-text" where !parts.contains { $0.hasPrefix("version=0") }:
                open = max(open, weight ?? 1)
            case "text/plain": plain = max(plain, weight ?? 1)
            default: break
            }
        }
        self = open > 0 && open >= plain ? .openMetrics : .prometheus
    }

    package var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// Families without samples are left out.
    package func text(of families: [MetricFamily]) -> String {
        var text = ""
        for family in families where !family.samples.isEmpty { append(family, to: &text) }
        if self == .openMetrics { text += "# EOF\n" }
        return text
    }

    private func append(_ family: MetricFamily, to text: inout String) {
        // OpenMetrics names a counter without what its samples' names end in.
        let isBare = self == .openMetrics && family.kind == .counter && family.name.hasSuffix("_total")
        let title = isBare ? String(family.name.dropLast("_total".count)) : family.name
        text += "# HELP \(title) \(Self.escaped(family.help, quotes: self == .openMetrics))\n"
        text += "# TYPE \(title) \(family.kind.rawValue)\n"
        for sample in family.samples {
            let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
            switch sample.value {
            case .number(let value): append(family.name, labels, Self.number(value), to: &text)
            case .histogram(let histogram): append(histogram, of: family.name, labels, to: &text)
            }
        }
    }

    private func append(_ name: String, _ labels: [String], _ value: String, to text: inout String) {
        text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels.joined(separator: ","))} \(value)\n"
    }

    private func append(_ histogram: HistogramCounts, of name: String, _ labels: [String], to text: inout String) {
        var total: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            total &+= count
            let bound = index < histogram.bounds.count ? self.bound(histogram.bounds[index]) : "+Inf"
            let value = String(total) + exemplar(histogram.exemplars[index])
            append(name + "_bucket", labels + ["le=\"\(bound)\""], value, to: &text)
        }
        append(name + "_sum", labels, Self.number(histogram.sum), to: &text)
        append(name + "_count", labels, String(total), to: &text)
    }

    /// OpenMetrics writes bounds with a point.
    private func bound(_ value: Double) -> String {
        let text = Self.number(value)
        return self == .openMetrics && text.allSatisfy { $0.isNumber || $0 == "-" } ? text + ".0" : text
    }

    private func exemplar(_ exemplar: HistogramCounts.Exemplar?) -> String {
        guard self == .openMetrics, let exemplar else { return "" }
        // Names and values together have at most 128 characters there.
        let request = Self.escaped(String(exemplar.request.rawValue.prefix(64)), quotes: true)
        let time = Self.number(Double(exemplar.at.milliseconds) / 1_000)
        return " # {request_id=\"\(request)\"} \(Self.number(exemplar.value)) \(time)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x0A || $0 == 0x22 }) else { return text }
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": escaped.append(contentsOf: "\\n".unicodeScalars)
            case "\"" where quotes: escaped.append(contentsOf: "\\\"".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map(String.init) ?? "\(value)"
    }
}
