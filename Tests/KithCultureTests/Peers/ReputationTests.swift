// SPDX-License-Identifier: Apache-2.0

import KithCulture
import KithModel
import Testing

@Suite("What is known of a peer as company")
struct ReputationTests {
    private let start = WallTime(milliseconds: 1_000_000)

    private func later(_ seconds: Int) -> WallTime { start.advanced(by: .seconds(seconds)) }

    private let good = Reputation.Outcome.answered(latency: .seconds(1), novelty: 0.9, usefulness: 0.8)

    @Test("A stranger is worth a half, good answers raise it and bad ones lower it")
    func moves() {
        #expect(Reputation(at: start).score(at: start) == 0.5)
        var (liked, disliked) = (Reputation(at: start), Reputation(at: start))
        for second in 1...10 {
            liked.record(good, at: later(second))
            disliked.record(.junk, at: later(second))
        }
        #expect(liked.score(at: later(10)) > 0.75)
        #expect(disliked.score(at: later(10)) < 0.15)
    }

    @Test("What was learned long ago is half forgotten after a half-life, and nearly all after ten")
    func fades() {
        var reputation = Reputation(at: start)
        for _ in 1...10 { reputation.record(.junk, at: start) }
        let (before, after) = (reputation.score(at: start), reputation.score(at: later(70 * 86_400)))
        #expect(before < 0.15)
        #expect(abs(after - 0.5) < 0.01)
    }

    @Test("Novelty, usefulness and speed each make an answer worth more")
    func reward() {
        let base = Reputation.reward(latency: .seconds(6), novelty: 0.5, usefulness: 0.5)
        #expect(Reputation.reward(latency: .seconds(1), novelty: 0.5, usefulness: 0.5) > base)
        #expect(Reputation.reward(latency: .seconds(6), novelty: 0.9, usefulness: 0.5) > base)
        #expect(Reputation.reward(latency: .seconds(6), novelty: 0.5, usefulness: 0.9) > base)
        #expect(Reputation.reward(latency: .seconds(99), novelty: -3, usefulness: .nan) == 0.2)
        #expect(abs(Reputation.reward(latency: .zero, novelty: 9, usefulness: 9) - 1) < 1e-9)
    }

    @Test(
        "One that only returns junk is left alone after three times, for longer each time it does so again, and can come back"
    )
    func pauses() {
        var reputation = Reputation(at: start)
        for second in 1...2 { reputation.record(.junk, at: later(second)) }
        #expect(!reputation.isPaused(at: later(2)))
        reputation.record(.junk, at: later(3))
        #expect(reputation.isPaused(at: later(4)))
        #expect(!reputation.isPaused(at: later(3 + 3_600)))
        reputation.record(.junk, at: later(4_000))
        #expect(reputation.isPaused(at: later(4_000 + 7_199)))
        #expect(!reputation.isPaused(at: later(4_000 + 7_200)))
        for day in 1...20 { reputation.record(.hostile, at: later(day * 86_400)) }
        #expect(!reputation.isPaused(at: later(21 * 86_400)), "never longer than a day")
        reputation.record(good, at: later(22 * 86_400))
        #expect(reputation.pausedUntil == nil)
        #expect(reputation.strikes == 0)
    }

    @Test("One that is not there is not bad company: it is not paused, and loses little")
    func absent() {
        var (absent, junk) = (Reputation(at: start), Reputation(at: start))
        for second in 1...3 {
            absent.record(.absent, at: later(second))
            junk.record(.junk, at: later(second))
        }
        #expect(!absent.isPaused(at: later(4)))
        #expect(absent.score(at: later(4)) > junk.score(at: later(4)) + 0.1)
    }

    @Test("It is the same after it was stored, and what is stored cannot be out of bounds")
    func stored() {
        var reputation = Reputation(at: start)
        reputation.record(good, at: later(1))
        reputation.record(.junk, at: later(2))
        #expect(Reputation(stored: reputation.stored) == reputation)
        var broken = reputation.stored
        broken.gains = .nan
        broken.losses = .infinity
        broken.pauses = .max
        broken.exchanges = -5
        var read = Reputation(stored: broken)
        read.record(.junk, at: later(3))
        #expect((0...1).contains(read.score(at: later(3))))
    }
}
