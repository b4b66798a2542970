// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// How many of this node's own requests were under way at another, now and in the recent past: what is needed to bring a
/// report of that node's load up to date.
package struct OwnLoad: Sendable {
    /// Changes that are remembered.
    package static let capacity = 256

    /// How many were under way from a moment on.
    private struct Step: Sendable {
        var at: Moment
        var count: Int
    }

    /// In order of time; the older half is dropped when there are twice as many as the capacity.
    private var steps: [Step] = []
    /// Before the first step.
    private var base = 0
    package private(set) var count = 0

    package init() {}

    package mutating func began(now: Moment) { change(by: 1, now: now) }

    package mutating func ended(now: Moment) {
        if count > 0 { change(by: -1, now: now) }
    }

    /// What `reported` was when it was true, plus what was sent since then, less what has ended of what was sent before;
    /// never less than what is under way.
    package func corrected(_ reported: Int, takenAt: Moment) -> Int {
        max(count, reported + count - count(at: takenAt))
    }

    /// How many were under way at a moment of the past, as far back as is remembered.
    private func count(at moment: Moment) -> Int {
        var (low, high) = (0, steps.count)
        while low < high {
            let middle = (low + high) / 2
            if steps[middle].at <= moment { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? steps[low - 1].count : base
    }

    private mutating func change(by step: Int, now: Moment) {
        count += step
        if steps.count == 2 * Self.capacity {
            base = steps[Self.capacity - 1].count
            steps.removeFirst(Self.capacity)
        }
        steps.append(Step(at: now, count: count))
    }
}
