// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How far another node's clock is from this one's, as the quickest of the last exchanges tells: a pure value.
struct ClockEstimate: Sendable {
    /// What is older gives way to any new exchange: clocks drift, and are set.
    static let life = Duration.seconds(30)

    /// The other clock less this one; wrong by half the round trip at most.
    private(set) var offset: Duration
    private var roundTrip: Duration
    private var at: MonotonicInstant

    /// - Parameters:
    ///   - theirs: What the other clock showed while it answered.
    ///   - ours: What this node's showed when the answer was there.
    init(theirs: WallTime, ours: WallTime, roundTrip: Duration, now: MonotonicInstant) {
        offset = theirs.duration(since: ours) + roundTrip / 2
        self.roundTrip = roundTrip
        at = now
    }

    /// What is believed after another exchange.
    func updated(by newer: ClockEstimate) -> ClockEstimate {
        newer.roundTrip <= roundTrip || newer.at - at > Self.life ? newer : self
    }
}
