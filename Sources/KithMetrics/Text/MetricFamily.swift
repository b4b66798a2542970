// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// One metric with all its values, as monitors read it.
package struct MetricFamily: Sendable {
    package enum Kind: String, Sendable {
        /// Never falls while the process lives.
        case counter
        case gauge
        case histogram
    }

    package struct Label: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package enum Value: Sendable {
        case number(Double)
        case histogram(HistogramCounts)
    }

    package struct Sample: Sendable {
        /// In the order in which they are written; the names as Prometheus allows them.
        package var labels: [Label]
        package var value: Value

        package init(_ value: Value, _ labels: [Label]) {
            self.labels = labels
            self.value = value
        }

        package init(_ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
            self.init(.number(value), labels.map { Label(name: $0, value: $1) })
        }
    }

    /// As Prometheus allows it; a counter's ends in `_total`.
    package var name: String
    package var kind: Kind
    /// One sentence for people.
    package var help: String
    package var samples: [Sample]

    package init(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    package init(_ name: String, _ kind: Kind, _ help: String, value: Double) {
        self.init(name, kind, help, [Sample(value)])
    }
}

/// What a histogram has counted.
package struct HistogramCounts: Sendable {
    /// One of the values that were counted, and what it belongs to.
    package struct Exemplar: Hashable, Sendable {
        package var request: RequestID
        package var value: Double
        package var at: WallTime

        package init(request: RequestID, value: Double, at: WallTime) {
            self.request = request
            self.value = value
            self.at = at
        }
    }

    /// Upper bounds, rising; a last bucket without a bound follows them.
    package var bounds: [Double]
    /// How many lie in each bucket and in no smaller one: one more than there are bounds.
    package var counts: [UInt64]
    package var sum: Double
    /// The first one of each bucket after it was read last, where there is one.
    package var exemplars: [Exemplar?]

    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
        sum = 0
        exemplars = [Exemplar?](repeating: nil, count: bounds.count + 1)
    }

    /// - Returns: The bucket; `nil` for what is no number, which is not counted.
    @discardableResult
    package mutating func add(_ value: Double) -> Int? {
        guard !value.isNaN else { return nil }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        counts[bucket] &+= 1
        sum += value
        return bucket
    }
}
