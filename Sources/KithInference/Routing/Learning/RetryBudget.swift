// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Limits alternates to a fifth of the requests of the last ten seconds, and at least three, so that a mesh in trouble is
/// not buried under its own retries.
package struct RetryBudget: Sendable {
    package static let window = Duration.seconds(10)
    package static let share = 0.2
    package static let minimum = 3

    private var requests = SlidingCount(window: RetryBudget.window)
    private var retries = SlidingCount(window: RetryBudget.window)

    package init() {}

    package mutating func requestArrived(now: Moment) { requests.add(now: now) }

    /// - Returns: Whether one more alternate may be tried; counts it if so.
    package mutating func spend(now: Moment) -> Bool {
        let allowed = max(Self.minimum, Int(Double(requests.count(now: now)) * Self.share))
        guard retries.count(now: now) < allowed else { return false }
        retries.add(now: now)
        return true
    }
}

/// Counts events of the recent past in ten buckets, in constant space.
package struct SlidingCount: Sendable {
    private static let buckets: Int64 = 10

    private let width: Int64
    private var counts = [Int](repeating: 0, count: Int(SlidingCount.buckets))
    private var newest: Int64 = 0

    package init(window: Duration) { width = max(1, window.clampedNanoseconds / Self.buckets) }

    package mutating func add(now: Moment) {
        advance(to: now)
        counts[index(newest)] += 1
    }

    package mutating func count(now: Moment) -> Int {
        advance(to: now)
        return counts.reduce(0, +)
    }

    private mutating func advance(to now: Moment) {
        let bucket = now.nanoseconds / width
        guard bucket > newest else { return }
        let steps = min(bucket - newest, Self.buckets)
        for step in 0..<steps { counts[index(bucket - step)] = 0 }
        newest = bucket
    }

    private func index(_ bucket: Int64) -> Int {
        let remainder = bucket % Self.buckets
        return Int(remainder < 0 ? remainder + Self.buckets : remainder)
    }
}
