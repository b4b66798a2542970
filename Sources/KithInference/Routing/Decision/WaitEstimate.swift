// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What a candidate's place in the order is made of: when a request that goes there now is expected to be answered.
package struct WaitEstimate: Hashable, Sendable {
    /// Requests running and waiting there: what the node last said, corrected by what was sent and has ended since.
    package var outstanding: Int
    package var slots: Int
    /// Tokens a second for one request, as learned; `nil` until there is something to learn from.
    package var tokensPerSecond: Double?
    /// Tokens expected of this request, its prompt counted for a part: see ``Work``.
    package var work: Double
    /// What is running and waiting there takes this long, shared among the slots.
    package var queue: Duration
    /// The request itself takes this long.
    package var service: Duration
    package var latency: Duration
    /// For a model that has yet to be loaded.
    package var coldLoad: Duration
    /// What is left of recent failures.
    package var penalty: Duration
    /// The level declared for the node, held to what counts.
    package var level: Double
    package var breaker: CircuitBreaker.Permission
    /// Blocks of the prompt's beginning that this candidate was the last to be sent; see ``PrefixTable``.
    package var prefixBlocks: Int

    package init(
        outstanding: Int, slots: Int, tokensPerSecond: Double? = nil, work: Double = 0, queue: Duration = .zero,
        service: Duration = .zero, latency: Duration = .zero, coldLoad: Duration = .zero, penalty: Duration = .zero,
        level: Double = 1, breaker: CircuitBreaker.Permission = .granted, prefixBlocks: Int = 0
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
    }

    /// Until the answer is whole, weighed by the level: what candidates are ordered by.
    package var total: Duration { (queue + service + latency + coldLoad + penalty) / level }
}
