// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import KithMetrics
import Testing

@Suite("What libraries measure through swift-metrics")
struct LibraryMetricsTests {
    @Test("It stands beside kith's own, under names that Prometheus allows")
    func names() async {
        let registry = MetricRegistry()
        let dimensions = [("http.method", "GET")]
        Counter(label: "http.requests", dimensions: dimensions, factory: registry).increment(by: 2)
        FloatingPointCounter(label: "9 lives", factory: registry).increment(by: 1.5)
        Meter(label: "depth", factory: registry).set(3)
        Recorder(label: "size", dimensions: [], aggregate: false, factory: registry).record(7)
        #expect(
            MetricsText.prometheus.text(of: await registry.families()).split(separator: "\n").filter {
                !$0.hasPrefix("#")
            }
                == [
                    "_9_lives_total 1.5", "depth 3", #"http_requests_total{http_method="GET"} 2"#, "size 7",
                ])
    }

    @Test("Times are in seconds, and amounts lie in buckets")
    func histograms() async throws {
        let registry = MetricRegistry()
        Timer(label: "work", factory: registry).recordMilliseconds(30)
        Recorder(label: "bytes", factory: registry).record(70)
        let families = await registry.families()
        #expect(families.map(\.name) == ["bytes", "work_seconds"])
        #expect(families.map(\.kind) == [.histogram, .histogram])
        guard case .histogram(let work)? = families.last?.samples.first?.value else { throw Missing() }
        #expect(work.sum == 0.03)
    }

    private struct Missing: Error {}
}
