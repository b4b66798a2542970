// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What a candidate's place in the order is made of.
package struct WaitEstimate: Hashable, Sendable {
    /// At 1 everybody joins the queue of the fastest node while slower ones stand idle; at 0 an idle node is as good as
    /// any other. Between a third and a half the mean answer is the soonest, at a fifth of the capacity and at nine
    /// tenths: see `docs/decisions/0013-what-the-router-learns.md`.
    package static let serviceWeight = 0.4
    /// How much longer a request takes alongside others in a full engine: slots share a machine.
    package static let crowding = 0.25

    /// How many times longer another machine may take before one is asked whose battery is to be spared.
    package static let batteryFactor = 2.0
    /// And this much more: a short answer takes little of a battery.
    package static let batterySlack = Duration.seconds(1)

    /// Requests running and waiting there: what the node last said, corrected by what was sent and has ended since.
    package var outstanding: Int
    package var slots: Int
    /// Tokens a second for one request, as learned; `nil` until there is something to learn from.
    package var tokensPerSecond: Double?
    /// Tokens expected of this request, its prompt counted for a part: see ``Work``.
    package var work: Double
    /// Until a slot is free for it.
    package var queue: Duration
    /// From then on.
    package var service: Duration
    package var latency: Duration
    /// For a model that has yet to be loaded.
    package var coldLoad: Duration
    /// What is left of recent failures.
    package var penalty: Duration
    /// The level declared for the node, limited to the range that counts.
    package var level: Double
    package var breaker: CircuitBreaker.Permission
    /// Blocks of the prompt's beginning that this candidate was the last to be sent; see ``PrefixTable``.
    package var prefixBlocks: Int
    /// Bytes of memory that are missing to load the model; `nil` where nothing is, or nobody knows.
    package var missingMemory: Int?
    /// Whether the machine runs on a battery that is to be spared.
    package var sparesBattery: Bool

    package init(
        outstanding: Int, slots: Int, tokensPerSecond: Double? = nil, work: Double = 0, queue: Duration = .zero,
        service: Duration = .zero, latency: Duration = .zero, coldLoad: Duration = .zero, penalty: Duration = .zero,
        level: Double = 1, breaker: CircuitBreaker.Permission = .granted, prefixBlocks: Int = 0,
        missingMemory: Int? = nil, sparesBattery: Bool = false
    ) {
        self.outstanding = outstanding
        self.slots = slots
        self.tokensPerSecond = tokensPerSecond
        self.work = work
        self.queue = queue
        self.service = service
        self.latency = latency
        self.coldLoad = coldLoad
        self.penalty = penalty
        self.level = level
        self.breaker = breaker
        self.prefixBlocks = prefixBlocks
        self.missingMemory = missingMemory
        self.sparesBattery = sparesBattery
    }

    /// Until the answer is whole.
    package var untilWhole: Duration { queue + service + latency + coldLoad }

    /// What candidates are ordered by: like the time until the answer is whole, but what a request takes itself, the loading of
    /// its model included, counts for less than what it waits for, since the requests after it wait too.
    package var score: Duration {
        let crowding = Self.crowding * Double(min(outstanding, slots - 1)) / Double(slots)
        let own = service * (1 + crowding) + coldLoad
        let wait = (queue + own * Self.serviceWeight + latency + penalty) / level
        return sparesBattery ? wait * Self.batteryFactor + Self.batterySlack : wait
    }
}
