// SPDX-License-Identifier: Apache-2.0

/// Decides which requests come too often, by the generic cell rate algorithm (ITU-T I.371, annex A): a pure value.
///
/// Of each subject one moment is kept: when all that it may do at once will be free again. A request moves it on by the
/// rate's interval, and is refused when it lies too far ahead; a refused request moves nothing.
///
/// The table has a fixed size. A subject whose moment has passed is as one that was never seen, so forgetting it changes
/// nothing. When a place is needed and all of its set lie ahead, the one that passes first makes room, and the set keeps
/// its moment: whoever is not found in the set begins there. So somebody who was forgotten never gets more than the rate;
/// a newcomer may get less, until that moment. As the hash is seeded for each process, nobody can choose whose set it is.
package struct RateTable: Sendable {
    /// Subjects of one set.
    private static let ways = 16
    package static let ordinarySets = 32_768

    /// Subjects that are told apart at most.
    package var capacity: Int { sets * Self.ways }

    private let sets: Int
    /// Zero for a place that is free.
    private var tags: [UInt64] = []
    /// When all is free again, in nanoseconds.
    private var moments: [Int64] = []
    /// Of each set, where a subject begins that is not in it.
    private var floors: [Int64] = []

    /// Takes memory with the first request: 17 bytes for each subject that is told apart.
    ///
    /// - Parameter sets: Rounded up to a power of two, at most 2²⁰.
    package init(sets: Int = RateTable.ordinarySets) {
        var power = 1
        while power < min(max(1, sets), 1 << 20) { power *= 2 }
        self.sets = power
    }

    /// - Parameter subject: Who asks, as a hash that differs from process to process.
    package mutating func decide(_ subject: Int, _ rate: RequestRate, now: MonotonicInstant) -> RateVerdict {
        if tags.isEmpty {
            tags = Array(repeating: 0, count: capacity)
            moments = Array(repeating: 0, count: capacity)
            floors = Array(repeating: .min, count: sets)
        }
        let hash = UInt64(bitPattern: Int64(subject))
        let tag = hash == 0 ? 1 : hash
        let set = Int(truncatingIfNeeded: hash >> 20) & (sets - 1)
        let first = set * Self.ways
        let now = now.nanoseconds
        var place = first
        var found = false
        for way in first..<(first + Self.ways) {
            if tags[way] == tag {
                (place, found) = (way, true)
                break
            }
            // The place that is free, or would be first.
            if moments[way] < moments[place] { place = way }
        }
        let begins = max(found ? moments[place] : floors[set], now)
        let interval = rate.interval
        let whole = interval * Int64(rate.count)
        let ahead = begins - now
        guard ahead <= whole - interval else {
            let wait = ahead - (whole - interval)
            return RateVerdict(
                isAllowed: false, rate: rate, remaining: 0, wait: .nanoseconds(wait), reset: .nanoseconds(wait))
        }
        if !found, moments[place] > now { floors[set] = max(floors[set], moments[place]) }
        tags[place] = tag
        moments[place] = begins + interval
        return RateVerdict(
            isAllowed: true, rate: rate, remaining: Int((whole - ahead - interval) / interval), wait: .zero,
            reset: .nanoseconds(ahead + interval))
    }
}

/// What was decided about one request, and what its sender may know of it.
package struct RateVerdict: Hashable, Sendable {
    package var isAllowed: Bool
    package var rate: RequestRate
    /// How many more may follow at once.
    package var remaining: Int
    /// Until the same request would be allowed; zero for one that is.
    package var wait: Duration
    /// Until all is free again; for a request that is refused, until one is.
    package var reset: Duration

    package init(isAllowed: Bool, rate: RequestRate, remaining: Int, wait: Duration, reset: Duration) {
        self.isAllowed = isAllowed
        self.rate = rate
        self.remaining = remaining
        self.wait = wait
        self.reset = reset
    }
}
