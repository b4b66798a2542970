// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Keeps requests from a candidate that keeps failing, and lets one through from time to time to see whether it still does.
///
/// Opens on 5 failures in a row, or when more than half of at least 5 outcomes within a minute are failures; stays open
/// for 5 s, doubling up to 60 s, with jitter.
package struct CircuitBreaker: Sendable {
    package enum Permission: Hashable, Sendable {
        case granted
        /// Granted to one request, whose outcome decides.
        case probe
        case refused(until: MonotonicInstant)
    }

    /// How it stands, for people and monitors.
    package enum Condition: Int, Sendable {
        case closed = 0
        /// The next request, or the one under way, decides.
        case halfOpen = 1
        case open = 2
    }

    private enum State: Sendable {
        /// Leaves to `open`.
        case closed
        /// Leaves to `halfOpen` when its time has passed.
        case open(until: MonotonicInstant)
        /// One probe is under way, or was lost if it is older than a minute. Leaves to `closed` or `open`.
        case halfOpen(since: MonotonicInstant)
    }

    package static let consecutiveLimit = 5
    package static let window = Duration.seconds(60)

    private var state = State.closed
    private var consecutiveFailures = 0
    /// How long it stays open.
    private var backoff = Backoff(initial: .seconds(5), maximum: .seconds(60), jitter: 0.8...1.2)
    private var successes = SlidingCount(window: CircuitBreaker.window)
    private var failures = SlidingCount(window: CircuitBreaker.window)

    package init() {}

    package func permission(now: MonotonicInstant) -> Permission {
        switch state {
        case .closed: .granted
        case .open(let until): now < until ? .refused(until: until) : .probe
        case .halfOpen(let since):
            now - since > Self.window ? .probe : .refused(until: since + Self.window)
        }
    }

    package func condition(now: MonotonicInstant) -> Condition {
        switch state {
        case .closed: .closed
        case .open(let until): now < until ? .open : .halfOpen
        case .halfOpen: .halfOpen
        }
    }

    /// Call when a request is sent on a permission of `probe`.
    package mutating func probeSent(now: MonotonicInstant) { state = .halfOpen(since: now) }

    package mutating func succeeded(now: MonotonicInstant) {
        if case .closed = state {
        } else {
            successes = SlidingCount(window: Self.window)
            failures = SlidingCount(window: Self.window)
        }
        state = .closed
        consecutiveFailures = 0
        backoff.reset()
        successes.add(now: now)
    }

    package mutating func failed(now: MonotonicInstant, using generator: inout some RandomNumberGenerator) {
        consecutiveFailures += 1
        failures.add(now: now)
        switch state {
        case .open: break
        case .halfOpen: open(now: now, using: &generator)
        case .closed:
            let (failed, succeeded) = (failures.count(now: now), successes.count(now: now))
            let mostFail = failed + succeeded >= Self.consecutiveLimit && failed > succeeded
            if consecutiveFailures >= Self.consecutiveLimit || mostFail { open(now: now, using: &generator) }
        }
    }

    /// The outcome of a probe that says nothing, such as a client that left: the next request probes again.
    package mutating func abandoned(now: MonotonicInstant) {
        if case .halfOpen = state { state = .open(until: now) }
    }

    private mutating func open(now: MonotonicInstant, using generator: inout some RandomNumberGenerator) {
        state = .open(until: now + backoff.next(using: &generator))
    }
}

/// Limits alternates to a fifth of the requests of the last ten seconds, and at least three, so that a mesh in trouble is
/// not buried under its own retries.
package struct RetryBudget: Sendable {
    package static let window = Duration.seconds(10)
    package static let share = 0.2
    package static let minimum = 3

    private var requests = SlidingCount(window: RetryBudget.window)
    private var retries = SlidingCount(window: RetryBudget.window)

    package init() {}

    package mutating func requestArrived(now: MonotonicInstant) { requests.add(now: now) }

    /// - Returns: Whether one more alternate may be tried; counts it if so.
    package mutating func spend(now: MonotonicInstant) -> Bool {
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

    package mutating func add(now: MonotonicInstant) {
        advance(to: now)
        counts[index(newest)] += 1
    }

    package mutating func count(now: MonotonicInstant) -> Int {
        advance(to: now)
        return counts.reduce(0, +)
    }

    private mutating func advance(to now: MonotonicInstant) {
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
