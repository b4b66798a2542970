// SPDX-License-Identifier: Apache-2.0

/// One metric with all its values, as monitors read it.
package struct MetricFamily: Sendable {
    package enum Kind: String, Sendable {
        /// Never falls while the process lives.
        case counter
        case gauge
    }

    package struct Sample: Sendable {
        /// In the order in which they are written; the names as Prometheus allows them.
        package var labels: KeyValuePairs<String, String>
        package var value: Double

        package init(_ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
            self.labels = labels
            self.value = value
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
