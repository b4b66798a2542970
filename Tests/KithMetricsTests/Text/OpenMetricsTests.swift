// SPDX-License-Identifier: Apache-2.0

import KithMetrics
import KithModel
import Testing

@Suite("Metrics as OpenMetrics")
struct OpenMetricsTests {
    private var histogram: HistogramCounts {
        var counts = HistogramCounts(bounds: [0.25, 1])
        counts.add(0.125)
        counts.add(0.5)
        counts.exemplars[1] = .init(
            request: RequestID(rawValue: "ab\"c"), value: 0.5, at: WallTime(milliseconds: 1_500))
        counts.add(7)
        return counts
    }

    @Test("A histogram counts upwards, with sum and count")
    func histogramText() {
        let family = MetricFamily(
            "kith_wait_seconds", .histogram, "Waits.",
            [.init(.histogram(histogram), [.init(name: "model", value: "m")])])
        #expect(
            MetricsText.prometheus.text(of: [family]) == """
                # HELP kith_wait_seconds Waits.
                # TYPE kith_wait_seconds histogram
                kith_wait_seconds_bucket{model="m",le="0.25"} 1
                kith_wait_seconds_bucket{model="m",le="1"} 2
                kith_wait_seconds_bucket{model="m",le="+Inf"} 3
                kith_wait_seconds_sum{model="m"} 7.625
                kith_wait_seconds_count{model="m"} 3

                """)
    }

    @Test("OpenMetrics has exemplars, bare names of counters, bounds with a point, and an end")
    func openMetrics() {
        let families = [
            MetricFamily("kith_requests_total", .counter, "Requests of \"all\".", value: 3),
            MetricFamily("kith_wait_seconds", .histogram, "Waits.", [.init(.histogram(histogram), [])]),
        ]
        #expect(
            MetricsText.openMetrics.text(of: families) == """
                # HELP kith_requests Requests of \\"all\\".
                # TYPE kith_requests counter
                kith_requests_total 3
                # HELP kith_wait_seconds Waits.
                # TYPE kith_wait_seconds histogram
                kith_wait_seconds_bucket{le="0.25"} 1
                kith_wait_seconds_bucket{le="1.0"} 2 # {request_id="ab\\"c"} 0.5 1.5
                kith_wait_seconds_bucket{le="+Inf"} 3
                kith_wait_seconds_sum 7.625
                kith_wait_seconds_count 3
                # EOF

                """)
    }

    @Test(
        "A client gets the form that it prefers",
        arguments: [
            (nil, MetricsText.prometheus), ("", .prometheus), ("*/*", .prometheus), ("text/plain", .prometheus),
            ("application/openmetrics-text", .openMetrics),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;"
                    + "version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
            ),
            ("application/openmetrics-text; version=1.0.0; q=0.2, text/plain;q=0.9", .prometheus),
            ("application/openmetrics-text;version=0.0.1", .prometheus),
            ("application/openmetrics-text;q=0", .prometheus), (String(repeating: ";,=", count: 5_000), .prometheus),
        ] as [(String?, MetricsText)])
    func negotiation(accept: String?, format: MetricsText) {
        #expect(MetricsText(accept: accept) == format)
    }
}
