// SPDX-License-Identifier: Apache-2.0

import KithMetrics
import Testing

@Suite("Metrics as text")
struct MetricsTextTests {
    @Test("Help, type and samples stand as Prometheus reads them")
    func whole() {
        let text = MetricsText.prometheus.text(of: [
            MetricFamily(
                "aios_cell_info", .gauge, "Always 1.",
                [.init(1, ["cell_id": "desk", "branch": "main"]), .init(2.5, ["cell_id": "lap"])]),
            MetricFamily("kith_requests_total", .counter, "Requests.", value: 3),
            MetricFamily("empty", .gauge, "Nothing.", []),
        ])
        #expect(
            text == """
                # HELP aios_cell_info Always 1.
                # TYPE aios_cell_info gauge
                aios_cell_info{cell_id="desk",branch="main"} 1
                aios_cell_info{cell_id="lap"} 2.5
                # HELP kith_requests_total Requests.
                # TYPE kith_requests_total counter
                kith_requests_total 3

                """)
    }

    @Test("No label ends its line or its quotes")
    func escapes() {
        let text = MetricsText.prometheus.text(of: [
            MetricFamily("m", .gauge, "a\\b\nc\"d", [.init(1, ["l": "a\\b\nc\"d\r\ne"])])
        ])
        #expect(
            text == "# HELP m a\\\\b\\nc\"d\n# TYPE m gauge\nm{l=\"a\\\\b\\nc\\\"d\r\\ne\"} 1\n")
    }

    @Test(
        "Every number is one that Prometheus reads",
        arguments: [
            (0, "0"), (-1.5, "-1.5"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (1e300, "1e+300"),
            (3e-7, "3e-07"), (9_007_199_254_740_992, "9007199254740992"),
        ] as [(Double, String)])
    func numbers(value: Double, written: String) {
        let text = MetricsText.prometheus.text(of: [MetricFamily("m", .gauge, "h", value: value)])
        #expect(text.hasSuffix("\nm \(written)\n"))
    }
}
