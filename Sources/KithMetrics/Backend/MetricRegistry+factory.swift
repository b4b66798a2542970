// SPDX-License-Identifier: Apache-2.0

package import CoreMetrics

/// What libraries measure through swift-metrics: shown beside kith's own, with names as Prometheus has them.
///
/// Kith's own metrics are made through the registry itself, since they have help, bounds and exemplars, of which
/// swift-metrics knows nothing.
extension MetricRegistry: MetricsFactory {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        foreignCounter(label, dimensions)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler { foreignCounter(label, dimensions) }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        foreignGauge(label, dimensions)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return foreignGauge(label, dimensions) }
        return histogram(Self.name(label), Self.help, labels: Self.names(dimensions), bounds: Self.bounds)
            .series(of: dimensions.map(\.1))
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(Self.name(label, ending: "_seconds"), Self.help, labels: Self.names(dimensions))
            .series(of: dimensions.map(\.1))
    }

    // What was measured stays to be read, whoever measured it.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    /// Takes what this process's libraries measure from now on. At most once in a process.
    package func takeMeasurementsOfLibraries() { MetricsSystem.bootstrap(self) }

    /// For amounts of which nothing is known.
    private static let bounds: [Double] = [1, 5, 10, 50, 100, 500, 1e3, 5e3, 1e4, 1e5, 1e6, 1e7]
    private static let help = "Measured by a library that this program uses."

    private func foreignCounter(_ label: String, _ dimensions: [(String, String)]) -> CounterSeries {
        counter(Self.name(label, ending: "_total"), Self.help, labels: Self.names(dimensions))
            .series(of: dimensions.map(\.1))
    }

    private func foreignGauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeSeries {
        gauge(Self.name(label), Self.help, labels: Self.names(dimensions)).series(of: dimensions.map(\.1))
    }

    private static func names(_ dimensions: [(String, String)]) -> [String] { dimensions.map { name($0.0) } }

    /// A name that Prometheus allows: letters, digits and underscores, with no digit first.
    static func name(_ label: String, ending: String = "") -> String {
        let safe = label.unicodeScalars.map { scalar -> Character in
            let isSafe = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
            return isSafe ? Character(scalar) : "_"
        }
        var name = String(safe.prefix(200))
        if name.first?.isNumber ?? true { name = "_" + name }
        return name.hasSuffix(ending) ? name : name + ending
    }
}
