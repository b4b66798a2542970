// SPDX-License-Identifier: Apache-2.0

import KithModel
import Synchronization

/// How many traces may begin: so many a second on the average, and twice as many at once.
///
/// A generic cell rate algorithm (ITU-T I.371, annex A). One word of memory, and no lock: every request asks.
final class TraceAllowance: Sendable {
    /// Nanoseconds between two traces at the full rate.
    private let interval: Int64
    private let tolerance: Int64
    /// When the next trace would be due, were all taken at the full rate; in nanoseconds of the clock.
    private let due = Atomic<Int64>(.min)

    init(perSecond rate: Int) {
        interval = 1_000_000_000 / Int64(max(1, min(rate, 1_000_000_000)))
        tolerance = 2_000_000_000 - interval
    }

    func takes(at now: MonotonicInstant) -> Bool {
        var seen = due.load(ordering: .relaxed)
        while true {
            let next = max(seen, now.nanoseconds)
            guard next - now.nanoseconds <= tolerance else { return false }
            let (exchanged, original) = due.weakCompareExchange(
                expected: seen, desired: next + interval, ordering: .relaxed)
            if exchanged { return true }
            seen = original
        }
    }
}
