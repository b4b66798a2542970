// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
package import KithModel
import Synchronization

/// A number that any thread may change at any time, without a lock.
struct AtomicDouble: ~Copyable, Sendable {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func store(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, seen) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = seen
        }
    }
}

/// What a family keeps for one combination of label values.
protocol MetricSeries: AnyObject, Sendable {
    var value: MetricFamily.Value { get }
}

/// Counts events, or amounts; never falls.
package final class CounterSeries: MetricSeries, CounterHandler, FloatingPointCounterHandler {
    private let whole = Atomic<Int64>(0)
    private let fraction = AtomicDouble()

    package func increment() { whole.wrappingAdd(1, ordering: .relaxed) }

    /// What is negative is ignored.
    package func increment(by amount: Int64) {
        guard amount > 0 else { return }
        whole.wrappingAdd(amount, ordering: .relaxed)
    }

    /// What is negative or no number is ignored.
    package func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        fraction.add(amount)
    }

    package func reset() {
        whole.store(0, ordering: .relaxed)
        fraction.store(0)
    }

    package var count: Double { Double(whole.load(ordering: .relaxed)) + fraction.value }

    var value: MetricFamily.Value { .number(count) }
}

/// Something that rises and falls.
package final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
    private let number = AtomicDouble()

    package func set(_ value: Int64) { set(Double(value)) }

    package func set(_ value: Double) { number.store(value) }

    package func increment(by amount: Double) { number.add(amount) }

    package func decrement(by amount: Double) { number.add(-amount) }

    package func record(_ value: Int64) { set(value) }

    package func record(_ value: Double) { set(value) }

    var value: MetricFamily.Value { .number(number.value) }
}

/// Counts values by size. Behind a lock, held for some nanoseconds, so that a reader finds sum and counts that agree.
package final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
    private struct State {
        var counts: HistogramCounts
        /// Whether a bucket's example was read, so that a newer one takes its place: every request brings one, and most are
        /// never seen.
        var wantsExemplar: [Bool]
    }

    private let state: Mutex<State>

    init(bounds: [Double]) {
        let counts = HistogramCounts(bounds: bounds)
        state = Mutex(State(counts: counts, wantsExemplar: counts.counts.map { _ in true }))
    }

    /// - Parameter request: What took so long, for whoever looks into it.
    package func record(_ duration: Duration, of request: RequestID? = nil) {
        let seconds = duration.seconds
        state.withLock { state in
            guard let bucket = state.counts.add(seconds), let request, state.wantsExemplar[bucket] else { return }
            state.wantsExemplar[bucket] = false
            state.counts.exemplars[bucket] = .init(request: request, value: seconds, at: .now())
        }
    }

    package func record(_ value: Double) { _ = state.withLock { $0.counts.add(value) } }

    package func record(_ value: Int64) { record(Double(value)) }

    package func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    package var snapshot: HistogramCounts {
        state.withLock { state in
            for bucket in state.wantsExemplar.indices { state.wantsExemplar[bucket] = true }
            return state.counts
        }
    }

    var value: MetricFamily.Value { .histogram(snapshot) }
}
