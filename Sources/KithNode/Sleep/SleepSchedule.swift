// SPDX-License-Identifier: Apache-2.0

import KithModel

/// When a machine that has nothing to do goes to sleep: a pure value.
struct SleepSchedule: Hashable, Sendable {
    let threshold: Duration
    /// When it began to wait anew: it was started, or woke.
    private var since: MonotonicInstant

    init(threshold: Duration, now: MonotonicInstant) {
        self.threshold = threshold
        since = now
    }

    /// How long to wait before looking again; `nil` when it is time to sleep.
    ///
    /// - Parameters:
    ///   - idle: The time since the last prompt; zero while there is one.
    ///   - isBusy: Whether the engine still has something to do.
    func wait(idle: Duration, isBusy: Bool, now: MonotonicInstant) -> Duration? {
        let left = threshold - min(idle, now - since)
        if left > .zero { return left }
        return isBusy ? min(threshold, .seconds(10)) : nil
    }

    mutating func woke(now: MonotonicInstant) { since = now }
}
