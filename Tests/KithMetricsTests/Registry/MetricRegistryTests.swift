// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import Synchronization
import Testing
@testable import KithMetrics

@Suite("The registry of metrics")
struct MetricRegistryTests {
    private func text(of registry: MetricRegistry) async -> String {
        MetricsText.prometheus.text(of: await registry.families())
    }

    @Test("Families stand by name, and series by the values of their labels")
    func order() async {
        let registry = MetricRegistry()
        let requests = registry.counter("b_total", "B.", labels: ["route", "outcome"])
        requests.series("/z", "ok").increment()
        requests.series("/a", "ok").increment(by: Int64(2))
        requests.series("/a", "ok").increment(by: 0.5)
        registry.gauge("a", "A.").series().set(-1.0)
        #expect(
            await text(of: registry) == """
                # HELP a A.
                # TYPE a gauge
                a -1
                # HELP b_total B.
                # TYPE b_total counter
                b_total{route="/a",outcome="ok"} 2.5
                b_total{route="/z",outcome="ok"} 1

                """)
    }

    @Test("A value lies in the first bucket whose bound is not below it")
    func buckets() {
        let series = MetricRegistry().histogram("h", "H.", bounds: [1, 2]).series()
        for value in [0, 1, 1.000001, 2, 2.5, .infinity, -3, .nan] as [Double] { series.record(value) }
        series.record(Duration.milliseconds(1_500))
        #expect(series.snapshot.counts == [3, 3, 2])
        #expect(series.snapshot.sum == .infinity)
    }

    @Test("A bucket's example is the first since it was read, so that each reader sees a new one")
    func exemplars() {
        let series = MetricRegistry().histogram("h", "H.", bounds: [1]).series()
        func record(_ name: String) { series.record(.milliseconds(500), of: RequestID(rawValue: name)) }
        record("first")
        record("second")
        #expect(series.snapshot.exemplars.map { $0?.request.rawValue } == ["first", nil])
        #expect(series.snapshot.exemplars[0]?.request.rawValue == "first")
        record("third")
        record("fourth")
        #expect(series.snapshot.exemplars[0]?.request.rawValue == "third")
        #expect(series.snapshot.counts == [4, 0])
    }

    @Test("A counter never falls")
    func counter() {
        let series = MetricRegistry().counter("c_total", "C.").series()
        series.increment(by: Int64(5))
        series.increment(by: Int64(-3))
        series.increment(by: -0.5)
        series.increment(by: Double.nan)
        #expect(series.count == 5)
    }

    @Test("Past the limit, all further values are counted together")
    func bound() async {
        let registry = MetricRegistry(limit: 3)
        let family = registry.counter("c_total", "C.", labels: ["who", "why"])
        for number in 0..<10 { family.series("\(number)", "x").increment() }
        family.series("1", "x").increment()
        #expect(
            await text(of: registry).split(separator: "\n").dropFirst(2) == [
                #"c_total{who="0",why="x"} 1"#, #"c_total{who="1",why="x"} 2"#, #"c_total{who="2",why="x"} 1"#,
                #"c_total{who="other",why="other"} 7"#,
            ])
    }

    @Test("A long value is cut, and its series is still one")
    func longValues() async {
        let registry = MetricRegistry()
        let family = registry.counter("c_total", "C.", labels: ["who"])
        for _ in 0..<2 { family.series(String(repeating: "a", count: 5_000)).increment() }
        let samples = await registry.families().first?.samples ?? []
        #expect(samples.count == 1)
        #expect(samples.allSatisfy { $0.labels.allSatisfy { $0.value.utf8.count <= 128 } })
    }

    @Test("A name is one family, and its first form holds")
    func forms() async {
        let registry = MetricRegistry()
        registry.counter("x_total", "X.").series().increment()
        registry.counter("x_total", "X.").series().increment()
        registry.gauge("x_total", "X.").series().set(9.0)
        registry.counter("x_total", "X.", labels: ["l"]).series("1").increment()
        registry.collect { [MetricFamily("x_total", .counter, "X.", [.init(1, ["from": "elsewhere"])])] }
        #expect(
            await text(of: registry)
                == "# HELP x_total X.\n# TYPE x_total counter\nx_total 2\nx_total{from=\"elsewhere\"} 1\n")
    }

    @Test("Nothing is lost when many threads count at once", .timeLimit(.minutes(2)))
    func concurrency() async {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        let registry = MetricRegistry(limit: 20)
        let (counters, histograms) = (
            registry.counter("c_total", "C.", labels: ["l"]),
            registry.histogram("h", "H.", labels: ["l"], bounds: [1, 5])
        )
        let gauge = registry.gauge("g", "G.").series()
        let (tasks, steps) = (8, 50_000)
        await withDiscardingTaskGroup { group in
            for task in 0..<tasks {
                group.addTask {
                    var generator = SeededGenerator(seed: seed &+ UInt64(task))
                    for _ in 0..<steps {
                        let value = "\(Int.random(in: 0..<30, using: &generator))"
                        switch Int.random(in: 0..<3, using: &generator) {
                        case 0: counters.series(value).increment()
                        case 1: counters.series(value).increment(by: 1.0)
                        default: counters.series(value).increment(by: Int64(1))
                        }
                        histograms.series(value).record(Double.random(in: 0...9, using: &generator))
                        gauge.increment(by: 1)
                    }
                }
                group.addTask { for _ in 0..<50 { _ = await registry.families() } }
            }
        }
        let all = Double(tasks * steps)
        #expect(counters.all.reduce(0) { $0 + $1.series.count } == all)
        #expect(counters.all.count == 21)
        let counts = histograms.all.map(\.series.snapshot)
        #expect(counts.reduce(0) { $0 + $1.counts.reduce(0, +) } == UInt64(all))
        #expect(gauge.value.number == all)
    }
}

extension MetricFamily.Value {
    fileprivate var number: Double? { if case .number(let number) = self { number } else { nil } }
}
