// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// The series of one family, by the values of their labels: bounded, since values may come from other machines.
package final class SeriesTable<Series: AnyObject & Sendable>: Sendable {
    /// Bytes of a label's value.
    private static var valueLimit: Int { 128 }
    /// What stands for all values of which there are too many.
    package static var other: String { "other" }

    let labels: [String]
    private let limit: Int
    private let make: @Sendable () -> Series
    private let series = Mutex<[[String]: Series]>([:])

    init(labels: [String], limit: Int, make: @escaping @Sendable () -> Series) {
        self.labels = labels
        self.limit = limit
        self.make = make
    }

    /// The series for these values, in the order of the labels; made when it is first asked for. Keep it where it is needed
    /// often.
    ///
    /// - Returns: Past the limit, one that counts for all further values together.
    package func series(_ values: String...) -> Series { series(of: values) }

    func series(of values: [String]) -> Series {
        series.withLock { series in
            if let known = series[values] { return known }
            let isLong = values.contains { $0.utf8.count > Self.valueLimit }
            let key =
                series.count >= limit
                ? labels.map { _ in Self.other }
                : isLong ? values.map { $0.cut(toBytes: Self.valueLimit) } : values
            if let known = series[key] { return known }
            let new = make()
            series[key] = new
            return new
        }
    }

    /// By label values.
    package var all: [(values: [String], series: Series)] {
        series.withLock { $0.map { ($0.key, $0.value) } }
            .sorted { $0.values.lexicographicallyPrecedes($1.values) }
    }
}

extension SeriesTable where Series: MetricSeries {
    func samples() -> [MetricFamily.Sample] {
        all.map { values, series in
            .init(series.value, zip(labels, values).map { MetricFamily.Label(name: $0, value: $1) })
        }
    }
}

package typealias CounterFamily = SeriesTable<CounterSeries>
package typealias GaugeFamily = SeriesTable<GaugeSeries>
package typealias HistogramFamily = SeriesTable<HistogramSeries>
