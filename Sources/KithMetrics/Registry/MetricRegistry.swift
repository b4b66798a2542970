// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// All metrics of one listener or node: those that are counted where things happen, and those that are looked up when
/// somebody reads them. Each is an instance of its own: several nodes may run in one process.
package final class MetricRegistry: Sendable {
    /// Series of one family.
    package static let seriesLimit = 1_000

    private enum Table: Sendable {
        case counter(CounterFamily)
        case gauge(GaugeFamily)
        case histogram(HistogramFamily)

        var samples: (MetricFamily.Kind, [MetricFamily.Sample]) {
            switch self {
            case .counter(let table): (.counter, table.samples())
            case .gauge(let table): (.gauge, table.samples())
            case .histogram(let table): (.histogram, table.samples())
            }
        }
    }

    /// A type of its own around the closure; see `Callback`.
    private struct Collector: Sendable {
        let families: @Sendable () async -> [MetricFamily]
    }

    private struct State {
        var tables: [String: (help: String, table: Table)] = [:]
        var collectors: [Collector] = []
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: Series of one family.
    package init(limit: Int = MetricRegistry.seriesLimit) { self.limit = limit }

    // MARK: Families

    /// - Parameters:
    ///   - name: As Prometheus allows it; ends in `_total`.
    ///   - help: One sentence for people.
    /// - Returns: The family of this name. One that exists in another form is kept as it is, and what is returned is shown to
    ///   nobody.
    package func counter(_ name: String, _ help: String, labels: [String] = []) -> CounterFamily {
        table(name, help, .counter(CounterFamily(labels: labels, limit: limit) { CounterSeries() })) {
            if case .counter(let table) = $0, table.labels == labels { table } else { nil }
        }
    }

    package func gauge(_ name: String, _ help: String, labels: [String] = []) -> GaugeFamily {
        table(name, help, .gauge(GaugeFamily(labels: labels, limit: limit) { GaugeSeries() })) {
            if case .gauge(let table) = $0, table.labels == labels { table } else { nil }
        }
    }

    /// - Parameter bounds: Upper bounds of the buckets, rising.
    package func histogram(
        _ name: String, _ help: String, labels: [String] = [], bounds: [Double] = DurationCounts.bounds
    ) -> HistogramFamily {
        let fresh = HistogramFamily(labels: labels, limit: limit) { HistogramSeries(bounds: bounds) }
        return table(name, help, .histogram(fresh)) {
            if case .histogram(let table) = $0, table.labels == labels { table } else { nil }
        }
    }

    private func table<Series>(
        _ name: String, _ help: String, _ fresh: Table, as form: (Table) -> SeriesTable<Series>?
    ) -> SeriesTable<Series> {
        let known = state.withLock { state in
            if let known = state.tables[name] { return known.table }
            state.tables[name] = (help, fresh)
            return fresh
        }
        if let table = form(known) { return table }
        guard let detached = form(fresh) else { preconditionFailure("a family has the form that it was made in") }
        return detached
    }

    // MARK: Reading

    /// Asks for more families each time that the metrics are read.
    ///
    /// - Parameter families: Waits for no other machine.
    package func collect(_ families: @escaping @Sendable () async -> [MetricFamily]) {
        let collector = Collector(families: families)
        state.withLock { $0.collectors.append(collector) }
    }

    /// By name, each once.
    package func families() async -> [MetricFamily] {
        let (tables, collectors) = state.withLock { ($0.tables, $0.collectors) }
        var families = tables.map { name, entry in
            let (kind, samples) = entry.table.samples
            return MetricFamily(name, kind, entry.help, samples)
        }
        for collector in collectors { families += await collector.families() }
        return Self.merged(families)
    }

    /// By name; what stands in two families of one name stands in one.
    package static func merged(_ families: [MetricFamily]) -> [MetricFamily] {
        var merged: [String: MetricFamily] = [:]
        for family in families {
            merged[family.name, default: MetricFamily(family.name, family.kind, family.help, [])].samples +=
                family.samples
        }
        return merged.values.sorted { $0.name < $1.name }
    }
}
